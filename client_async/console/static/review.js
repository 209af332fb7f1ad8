// The grid review: choose, pick, take back, ask again; each of what the page shows.
import { page, Refused, say, tell } from "./api.js";
import { keys } from "./keys.js";
import { watch } from "./live.js";
import { cellAt, cells, mark, place, toggle } from "./stage.js";
import { viewer } from "./viewer.js";

const at = (id) => document.getElementById(id);
const review = at("review");
const { project, sequence } = review.dataset;
const api = `/api/projects/${encodeURIComponent(project)}/sequences/${encodeURIComponent(sequence)}`;
const seen = () => JSON.parse(review.dataset.seen);
const mayAct = at("acts") !== null;
const served = new Map([...document.querySelectorAll("[data-live]")].map((region) => [region.id, region.outerHTML]));
let selected = 0;
let busy = false;
let wantedOf = "";
const pointer = { x: 0, y: 0 };

// ------------------------------------------------------------------------------------------------ choosing

function select(number) {
  if (number && !cells().some((cell) => cell.number === number)) return;
  selected = number;
  for (const cell of cells()) cell.element.setAttribute("aria-checked", String(cell.number === number));
  if (number && viewer.isOpen()) viewer.show(number);
  if (!mayAct) return;
  const picked = seen();
  const same = picked !== null && picked.cell === number;
  at("pick").disabled = !number || same;
  at("pick").textContent = same ? `Cell ${number} is picked` : number ? `Pick cell ${number}` : "Pick a cell";
  at("undo").hidden = picked === null;
}

function flip(step = 1) {
  const all = cells();
  if (!all.length) return;
  if (viewer.isOpen()) select(viewer.flip(step));
  else viewer.open(all, selected || seen()?.cell || 1);
}

function zoom() {
  if (viewer.isOpen()) return viewer.zoom(pointer);
  const all = cells();
  if (!all.length) return;
  const under = cellAt(pointer.x, pointer.y);
  viewer.open(all, under?.number ?? (selected || 1));
  viewer.zoom(under ? { ...pointer, ...under } : undefined);
}

// ------------------------------------------------------------------------------------------------ acting

function conflict(error) {
  const { what, remedy } = error.answer.detail;
  const shown = at("conflict");
  shown.replaceChildren();
  for (const [tag, line] of [["strong", what], ["p", remedy]]) {
    const element = document.createElement(tag);
    element.textContent = line ? line[0].toUpperCase() + line.slice(1) + "." : "";
    shown.append(element);
  }
  shown.hidden = false;
  say(what, { bad: true });
}

function askWhatItCosts(error, act) {
  const { what, remedy, now } = error.answer.detail;
  at("cost-words").textContent = `${what[0].toUpperCase()}${what.slice(1)}.`;
  at("cost-remedy").textContent = `${remedy[0].toUpperCase()}${remedy.slice(1)}.`;
  at("accept").textContent = now.cost.dollars ? `Go on for ${now.cost.dollars}` : "Go on";
  at("accept").onclick = () => { at("cost").close(); act(now.cost.amount); };
  at("cost").showModal();
}

// What is to be said of the next pick is what the console has just answered, before the page is fetched anew.
function holds(pick) {
  const { cell, grid, by, at: made } = pick ?? {};
  review.dataset.seen = JSON.stringify(pick && { cell, grid, by, at: made });
  select(selected);
}

// act(accept) tells the console; it is told again with the amount once somebody has agreed to it.
async function attempt(act, done, accept = null) {
  if (busy) return say("One moment: the last one is on its way");
  busy = true;
  try {
    holds((await act(accept)).pick);
    at("conflict").hidden = true;
    say(done);
    refresh();
  } catch (error) {
    if (!(error instanceof Refused)) say("The console cannot be reached: nothing was sent", { bad: true });
    else if (error.answer.detail?.now?.cost) askWhatItCosts(error, (amount) => { busy = false; attempt(act, done, amount); });
    else if (error.status === 409) { conflict(error); refresh(); }
    else say(error.message, { bad: true });
  } finally {
    busy = false;
  }
}

function confirm() {
  if (!mayAct) return say("Log in to pick", { bad: true });
  const cell = selected;
  if (!cell) return say("Choose a cell first: 1 to 4");
  if (seen()?.cell === cell) return say(`Cell ${cell} is picked already`);
  const told = { cell, grid: review.dataset.grid, seen: seen(), note: at("note").value };
  attempt(async (accept) => {
    const now = await tell("POST", `${api}/pick`, { ...told, accept });
    at("note").value = "";
    keep("note");
    return now;
  }, `Cell ${cell} of ${told.grid} is picked`);
}

function takeBack() {
  if (!mayAct) return say("Log in to take a pick back", { bad: true });
  const told = { grid: review.dataset.grid, seen: seen() };
  if (!told.seen) return say("There is no pick to take back");
  attempt((accept) => tell("DELETE", `${api}/pick`, { ...told, accept }), `The pick of cell ${told.seen.cell} is taken back`);
}

function ask() {
  if (!mayAct) return say("Log in to ask for a new grid", { bad: true });
  wantedOf = review.dataset.grid;
  at("asking-trouble").hidden = true;
  at("asking").showModal();
  at("wish").focus();
}

async function send() {
  if (busy) return;
  busy = true;
  try {
    await tell("POST", `${api}/regrid`, { grid: wantedOf || null, seen: seen(), note: at("wish").value });
    at("wish").value = "";
    keep("wish");
    at("asking").close();
    say("A new grid is asked for");
  } catch (error) {
    const { what, remedy } = error instanceof Refused ? error.answer.detail ?? {} : {};
    at("asking-trouble").textContent = what ? `${what}. ${remedy}` : "The console cannot be reached: nothing was sent";
    at("asking-trouble").hidden = false;
  } finally {
    busy = false;
  }
  await refresh();
  wantedOf = review.dataset.grid;
}

// Half-typed words outlive a look at the next sequence.
const drawer = (id) => `${id} ${project} ${sequence}`;
function keep(id) {
  if (at(id).value) sessionStorage.setItem(drawer(id), at(id).value);
  else sessionStorage.removeItem(drawer(id));
}

// ------------------------------------------------------------------------------------------------ as it changes

const wayTo = (element) => (element.id ? `#${element.id}` : element.dataset.cell ? `[data-cell="${element.dataset.cell}"]` : null);

function renew(region, fresh) {
  const focused = region.contains(document.activeElement) ? wayTo(document.activeElement) : null;
  region.querySelectorAll("details").forEach((part, i) => { const now = fresh.querySelectorAll("details")[i]; if (now) now.open = part.open; });
  region.replaceWith(fresh);
  if (focused) fresh.querySelector(focused)?.focus({ preventScroll: true });
}

function take(fresh) {
  const [was, before] = [review.dataset.grid, seen()];
  Object.assign(review.dataset, fresh.getElementById("review").dataset);
  const replaced = was !== review.dataset.grid;
  for (const [id, html] of served) {
    const region = fresh.getElementById(id);
    if (!region || region.outerHTML === html) continue;
    served.set(id, region.outerHTML);
    if (id === "stage" && !replaced && at("picture") && region.querySelector("#picture")) mark(region);
    else renew(at(id), region);
  }
  place();
  const now = seen();
  const other = now && now.at !== before?.at && now.by !== document.body.dataset.who;
  // What was chosen beside another picture, or another's pick, is chosen anew.
  if (replaced) viewer.close();
  select(replaced || other ? 0 : selected);
  if (replaced && review.dataset.grid) say(`${review.dataset.grid} is here`);
  else if (other) say(`${now.by} has picked cell ${now.cell}`);
}

let running = null;
let again = false;
function refresh() {
  again = running !== null;
  running ??= (async () => {
    try {
      do { again = false; take(await page(location.pathname)); } while (again);
    } catch (error) {
      if (error instanceof Refused) say("This sequence cannot be shown any more", { bad: true });
    } finally {
      running = null;
    }
  })();
  return running;
}

let later = null;
watch({
  onGap: refresh,
  onChange: (changed) => {
    if (changed.project === project && (changed.gone || changed.names.includes(sequence))) refresh();
    else later ??= setTimeout(() => { later = null; refresh(); }, 2000); // how many wait
  },
});

// ------------------------------------------------------------------------------------------------ keys and pointer

const go = (way) => () => (viewer.isOpen() ? viewer.isZoomed() || flip(way === "next" ? 1 : -1) : location.assign(at(way).href));
keys({
  ...Object.fromEntries([1, 2, 3, 4].map((number) => [String(number), () => select(number)])),
  Enter: (event) => {
    const focused = Number(event.target.dataset?.cell ?? 0);
    if (focused && !selected) select(focused);
    else confirm();
  },
  " ": () => flip(),
  z: zoom,
  Escape: () => (document.querySelector("dialog[open]") ?? viewer).close(),
  g: () => !viewer.isOpen() && say(`Shown: ${toggle()}`),
  ArrowLeft: go("previous"), ArrowRight: go("next"), j: go("previous"), k: go("next"),
  r: ask,
  u: takeBack,
  "?": () => at("help").showModal(),
});
const PANS = { ArrowLeft: [-80, 0], ArrowRight: [80, 0], ArrowUp: [0, -80], ArrowDown: [0, 80] };
document.addEventListener("keydown", (event) => {
  if (!viewer.isZoomed() || !PANS[event.key]) return;
  event.preventDefault();
  viewer.pan(...PANS[event.key]);
});
// A key that is still held presses no button of a dialog that has just come up: it may be the one that pays.
document.addEventListener("keydown", (event) => event.repeat && event.target.closest("dialog button") && event.preventDefault());
document.addEventListener("pointermove", (event) => Object.assign(pointer, { x: event.clientX, y: event.clientY }));
document.addEventListener("click", (event) => {
  const cell = event.target.closest(".cell");
  if (cell) select(Number(cell.dataset.cell));
  event.target.closest("[data-close]")?.closest("dialog").close();
  const view = event.target.closest("[data-view]")?.dataset.view;
  if (view) ({ flip, zoom: () => viewer.zoom(), close: viewer.close })[view]();
});
document.addEventListener("dblclick", (event) => event.target.closest(".cell") && confirm());
at("show-help").addEventListener("click", () => at("help").showModal());
at("send").addEventListener("click", send);
for (const [id, act] of [["pick", confirm], ["undo", takeBack], ["ask", ask]]) at(id)?.addEventListener("click", () => act());
for (const id of ["note", "wish"]) {
  if (!at(id)) continue;
  at(id).value = sessionStorage.getItem(drawer(id)) ?? "";
  at(id).addEventListener("input", () => keep(id));
}

place();
select(0);
if (location.hash === "#none") {
  history.replaceState(null, "", location.pathname);
  say("No other sequence waits for a pick");
}
