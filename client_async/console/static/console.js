// The console's list: rows replaced as they change, shown by state.
import { page } from "./api.js";
import { watch } from "./live.js";
import { bringNow } from "./now.js";

const wanted = new Set(JSON.parse(sessionStorage.getItem("filters") ?? "[]"));
const waiting = new Map();
let asking = false;

const rowOf = (project, name) => document.getElementById(`row-${project}-${name}`);

function filter() {
  for (const button of document.querySelectorAll("[data-filter]")) {
    button.setAttribute("aria-pressed", String(wanted.has(button.dataset.filter)));
  }
  for (const row of document.querySelectorAll(".row")) row.hidden = wanted.size > 0 && !wanted.has(row.dataset.group);
}

function count() {
  const counts = {};
  for (const row of document.querySelectorAll(".row")) counts[row.dataset.group] = (counts[row.dataset.group] ?? 0) + 1;
  for (const shown of document.querySelectorAll("[data-count]")) shown.textContent = counts[shown.dataset.count] ?? 0;
}

async function all() {
  const fresh = (await page("/")).querySelector("main");
  if (fresh) put(document.querySelector("main"), fresh);
  filter();
  await rest();
}

// Of a thousand rows a hundred come with the page, so that it is painted at once; the others follow.
async function rest() {
  for (const place of document.querySelectorAll(".rest")) {
    const rows = await page(`/rows/${encodeURIComponent(place.dataset.project)}?start=${place.dataset.start}`);
    if (place.isConnected) place.replaceWith(rows);
    filter();
  }
}

// Everything anew but what runs now, which minds itself: a node that is moved loses the focus.
function put(main, fresh) {
  const now = document.getElementById("now");
  const focused = document.activeElement.closest(".row")?.id;
  const nodes = [...fresh.childNodes];
  const at = nodes.indexOf(fresh.querySelector("#now"));
  for (const old of [...main.childNodes]) if (old !== now) old.remove();
  now.before(...nodes.slice(0, at));
  now.after(...nodes.slice(at + 1));
  if (focused) document.getElementById(focused)?.querySelector(".open").focus({ preventScroll: true });
}

async function bring() {
  if (asking) return;
  asking = true;
  try {
    while (waiting.size) {
      const batch = [...waiting.values()];
      waiting.clear();
      if (batch.length > 40 || batch.some(({ project, name }) => !rowOf(project, name))) await all();
      else await Promise.all(batch.map(one));
      count();
      filter();
    }
  } finally {
    asking = false;
  }
}

async function one({ project, name }) {
  const fresh = (await page(`/rows/${encodeURIComponent(project)}/${encodeURIComponent(name)}`)).querySelector(".row");
  const old = rowOf(project, name);
  const focused = old.contains(document.activeElement);
  fresh.classList.add("fresh");
  old.replaceWith(fresh);
  if (focused) fresh.querySelector(".open").focus();
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
rest().then(count);
watch({
  onGap: all,
  onNow: bringNow,
  onChange: ({ project, names, gone }) => {
    if (gone || !names.length) return all();
    for (const name of names) waiting.set(`${project} ${name}`, { project, name });
    bring();
  },
});
