// The console's list: rows brought up to date as they change, shown by state.
import { page, read, Refused, say } from "./api.js";
import { watch } from "./live.js";
import { bringNow } from "./now.js";
import { putProjects, putRow, rowOf } from "./rows.js";

const LONGEST = 6000; // characters of names in one address; proxies take 8,000 of all of it

const wanted = new Set(JSON.parse(sessionStorage.getItem("filters") ?? "[]"));
const waiting = new Map(); // project -> names that have changed
let stale = false; // something else has
let asking = false;

function filter() {
  for (const button of document.querySelectorAll("[data-filter]")) {
    button.setAttribute("aria-pressed", String(wanted.has(button.dataset.filter)));
  }
  for (const row of document.querySelectorAll(".row")) row.hidden = wanted.size > 0 && !wanted.has(row.dataset.group);
  for (const list of document.querySelectorAll(".rows")) {
    list.nextElementSibling.hidden = list.querySelector(".row:not([hidden]), .rest") !== null;
  }
}

function count() {
  const counts = {};
  for (const row of document.querySelectorAll(".row")) counts[row.dataset.group] = (counts[row.dataset.group] ?? 0) + 1;
  for (const shown of document.querySelectorAll("[data-count]")) shown.textContent = counts[shown.dataset.count] ?? 0;
  const some = document.querySelector(".project") !== null;
  document.getElementById("none").hidden = some;
  document.getElementById("filters").hidden = !some;
}

const rowsOf = (project, query) => page(`/rows/${encodeURIComponent(project)}?${new URLSearchParams(query)}`);

// Of a thousand rows a hundred come with the page, so that it is painted at once; the others follow.
async function fill(within) {
  for (const place of within.querySelectorAll(".rest")) {
    const { project, start } = place.dataset;
    place.replaceWith(await rowsOf(project, { start }));
  }
}

async function all() {
  const fresh = await page("/");
  await fill(fresh);
  putProjects(fresh, read);
}

function parts(names) {
  const found = [[]];
  let length = 0;
  for (const name of names) {
    const more = "&only=".length + name.length;
    length += more;
    if (length > LONGEST) { found.push([]); length = more; }
    found.at(-1).push(name);
  }
  return found;
}

async function some(project, names) {
  for (const asked of parts(names)) {
    const fresh = await rowsOf(project, asked.map((name) => ["only", name]));
    const came = new Map([...fresh.querySelectorAll(".row")].map((row) => [row.dataset.sequence, row]));
    for (const name of asked) {
      const [old, row] = [rowOf(project, name), came.get(name)];
      if (old && row) putRow(old, row, read);
      else stale = true; // it came, or went
    }
  }
}

async function bring() {
  if (asking) return;
  asking = true;
  try {
    while (stale || waiting.size) {
      const batch = [...waiting];
      waiting.clear();
      if (stale) { stale = false; await all(); }
      else for (const [project, names] of batch) await some(project, [...names]);
      count();
      filter();
    }
  } catch (error) {
    if (error instanceof Refused && error.status === 404) { stale = true; setTimeout(bring); } // a project went meanwhile
    else if (error instanceof Refused) say(error.message, { bad: true });
    // Else the connection is lost, which the page says; all is asked for anew when it is back.
  } finally {
    asking = false;
  }
}

function renew() {
  stale = true;
  return bring();
}

// A picture that is not there is an empty frame.
document.addEventListener("error", ({ target }) => { if (target.matches?.(".thumb img")) target.style.visibility = "hidden"; }, true);

// Whoever comes back finds the row at which they were; the browser alone goes by a height that the page does not have yet.
history.scrollRestoration = "manual";
window.addEventListener("pagehide", () => {
  const row = document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest(".row");
  const focused = document.activeElement.closest(".row")?.id;
  history.replaceState({ row: row?.id, top: row?.getBoundingClientRect().top, focused }, "");
});

function comeBack() {
  const { row, top, focused } = history.state ?? {};
  const there = row && document.getElementById(row);
  if (there) scrollBy(0, there.getBoundingClientRect().top - top);
  if (focused) document.getElementById(focused)?.querySelector(".open").focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-filter]");
  if (!button) return;
  const group = button.dataset.filter;
  if (!wanted.delete(group)) wanted.add(group);
  sessionStorage.setItem("filters", JSON.stringify([...wanted]));
  filter();
});

filter();
asking = true;
fill(document).catch(() => { stale = true; }).then(() => {
  asking = false;
  count();
  filter();
  comeBack();
  bring();
});
watch({
  onGap: renew,
  onNow: bringNow,
  onChange: ({ project, names, gone }) => {
    if (gone || !names.length) return renew();
    waiting.set(project, new Set([...(waiting.get(project) ?? []), ...names]));
    bring();
  },
});
