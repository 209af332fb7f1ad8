// Picking, taking back, asking for another grid and calling it off: each of what the page shows.
import { Refused, say, sentence, tell } from "./api.js";
import { asked, at, desk, mayAct, offer, project, review, seen, select, sequence } from "./choice.js";
import { refresh } from "./fresh.js";

const api = `/api/projects/${encodeURIComponent(project)}/sequences/${encodeURIComponent(sequence)}`;
const UNHEARD = "No answer came: whether it was done is shown once the console can be reached again";
let wantedOf = "";

// What is to be said of the next pick is what the console has just answered, before the page is fetched anew.
function hold({ pick, regrid, regrid_note: note }) {
  const { cell, grid, by, at: made } = pick ?? {};
  review.dataset.seen = JSON.stringify(pick && { cell, grid, by, at: made });
  review.dataset.asked = JSON.stringify(regrid ? note : null);
}

function conflict({ message, remedy, now }) {
  at("conflict-what").textContent = sentence(message);
  at("conflict-remedy").textContent = sentence(remedy);
  at("conflict").hidden = false;
  say(`${sentence(message)} ${sentence(remedy)}`, { bad: true });
  if (!now || now.grid !== review.dataset.grid) return;
  hold(now);
  select(0);
}

function askWhatItCosts({ message, remedy, now }, act) {
  at("cost-words").textContent = sentence(message);
  at("cost-remedy").textContent = sentence(remedy);
  at("accept").textContent = now.cost.dollars ? `Go on for ${now.cost.dollars}` : "Go on";
  at("accept").onclick = () => { at("cost").close(); act(now.cost.amount); };
  at("cost").showModal();
}

// act(accept) tells the console; it is told again with the amount once somebody has agreed to it.
async function attempt(act, done, accept = null) {
  if (desk.busy) return say("One moment: the last one is on its way");
  desk.busy = true;
  let error = null;
  try {
    hold(await act(accept));
    at("conflict").hidden = true;
    offer();
    say(done);
  } catch (refused) {
    error = refused;
  }
  desk.busy = false;
  if (error === null) return refresh();
  if (!(error instanceof Refused)) return say(UNHEARD, { bad: true });
  if (error.now?.cost) return askWhatItCosts(error, (amount) => attempt(act, done, amount));
  if (error.status !== 409) return say(sentence(error.message), { bad: true });
  conflict(error);
  return refresh();
}

export function confirm() {
  if (!mayAct) return say("Log in to pick", { bad: true });
  const cell = desk.selected;
  if (!cell) return say("Choose a cell first: 1 to 4");
  if (seen()?.cell === cell && asked() === null) return say(`Cell ${cell} is picked already`);
  const told = { cell, grid: review.dataset.grid, seen: seen(), note: at("note").value };
  attempt(async (accept) => {
    const now = await tell("POST", `${api}/pick`, { ...told, accept });
    at("note").value = "";
    keep("note");
    return now;
  }, `Cell ${cell} of ${told.grid} is picked`);
}

export function takeBack() {
  if (!mayAct) return say("Log in to take a pick back", { bad: true });
  const told = { grid: review.dataset.grid, seen: seen() };
  if (!told.seen) return say("There is no pick to take back");
  attempt((accept) => tell("DELETE", `${api}/pick`, { ...told, accept }), `The pick of cell ${told.seen.cell} is taken back`);
}

export function callOff() {
  if (!mayAct) return say("Log in to call a new grid off", { bad: true });
  const note = asked();
  if (note === null) return say("No new grid is asked for");
  attempt(async () => {
    const now = await tell("DELETE", `${api}/regrid`, { grid: review.dataset.grid || null, note });
    at("wish").value ||= note; // it may be asked for again, in better words
    keep("wish");
    return now;
  }, "The new grid is called off");
}

export function ask() {
  if (!mayAct) return say("Log in to ask for a new grid", { bad: true });
  if (asked() !== null) return say("A new grid is asked for already: x calls it off");
  wantedOf = review.dataset.grid;
  at("asking-trouble").hidden = true;
  at("asking").showModal();
  at("wish").focus();
}

async function send() {
  if (desk.busy) return;
  desk.busy = true;
  try {
    hold(await tell("POST", `${api}/regrid`, { grid: wantedOf || null, seen: seen(), note: at("wish").value }));
    at("wish").value = "";
    keep("wish");
    at("asking").close();
    offer();
    say("A new grid is asked for");
  } catch (error) {
    const words = error instanceof Refused ? `${sentence(error.message)} ${sentence(error.remedy)}` : UNHEARD;
    at("asking-trouble").textContent = words.trim();
    at("asking-trouble").hidden = false;
  } finally {
    desk.busy = false;
  }
  await refresh();
  wantedOf = review.dataset.grid;
}

// Half-typed words outlive a look at the next sequence.
function keep(id) {
  const drawer = `${id} ${project} ${sequence}`;
  if (at(id).value) sessionStorage.setItem(drawer, at(id).value);
  else sessionStorage.removeItem(drawer);
}

for (const id of ["note", "wish"]) {
  if (!at(id)) continue;
  at(id).value = sessionStorage.getItem(`${id} ${project} ${sequence}`) ?? "";
  at(id).addEventListener("input", () => keep(id));
}
at("send").addEventListener("click", send);
for (const [id, act] of [["pick", confirm], ["undo", takeBack], ["ask", ask], ["off", callOff]]) at(id)?.addEventListener("click", () => act());
