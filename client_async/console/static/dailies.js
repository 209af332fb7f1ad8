// The player: watch, step, compare, circle and note the takes of a sequence, and go on to the next one.
import { Refused, say } from "./api.js";
import { isBack, isGone } from "./gone.js";
import { keys } from "./keys.js";
import { watch } from "./live.js";
import { Notes } from "./notes.js";
import { Reel } from "./reel.js";
import { StartFrame } from "./startframe.js";
import { renewStrip } from "./strip.js";
import { Timeline } from "./timeline.js";
import { inShort, showVerdicts } from "./verdicts.js";
import { Versus } from "./versus.js";

const at = (id) => document.getElementById(id);
const player = { data: null, loop: false, all: false };

async function ask(project, sequence) {
  const answer = await fetch(`/api/projects/${encodeURIComponent(project)}/sequences/${encodeURIComponent(sequence)}/takes`);
  const said = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

const reel = new Reel(at("film-a"), { onFrame: moved, onEnd: ended, onTrouble: (words) => { at("trouble").textContent = words; } });
const versus = new Versus(ask, () => { if (versus.take) start.set("off"); keepStep(); });
const timeline = new Timeline((frame) => seek(frame));
const start = new StartFrame((mode) => {
  if (mode === "off") return;
  versus.off();
  seek(0);
});
const notes = new Notes(player);

Object.defineProperties(player, {
  take: { get: () => reel.take ?? player.data?.takes.find((take) => take.take === player.chosen) ?? null },
  frame: { get: () => reel.frame },
});
Object.assign(player, { pause, seekIn, renew });

// ------------------------------------------------------------------------------------------------ where it stands

function moved() {
  if (!reel.take) return;
  timeline.show(reel.frame);
  at("play").textContent = reel.playing ? "Pause" : "Play";
  keepStep();
  notes.moved();
}

function keepStep() {
  if (versus.take && reel.take) versus.reel.follow(reel);
}

async function play() {
  try {
    await reel.play();
  } catch {
    say("The browser waits for you: press Space to play");
  }
}

function pause() {
  reel.pause();
  moved();
}

function toggle() {
  if (reel.playing) pause();
  else play();
}

function seek(frame) {
  if (reel.playing) reel.pause();
  reel.seek(frame);
}

function ended() {
  if (player.loop) {
    reel.seek(0);
    play();
  } else if (player.all && neighbour(1)) go(1, true);
  else reel.seek(reel.frames - 1);
}

// ------------------------------------------------------------------------------------------------ which take

function showTake(take, { frame = 0, playing = false } = {}) {
  player.chosen = take?.take;
  at("trouble").textContent = take?.trouble ?? "";
  at("theatre").hidden = !take?.parts.length;
  at("earlier-start").hidden = !take || take.on_locked || !player.data.keyframe;
  reel.unload();
  if (take) timeline.load(take);
  if (take?.parts.length) reel.load(take, frame);
  at("name-a").textContent = take ? `A · ${player.sequence}, take ${take.number}` : "";
  at("origin").textContent = take?.origin ? [take.origin.provider, take.origin.model, take.origin.resolution, `${take.frames} frames`].filter(Boolean).join(" · ") : "";
  listTakes();
  if (playing) play();
}

function listTakes() {
  const { data } = player;
  const focused = at("takes").contains(document.activeElement);
  at("takes").replaceChildren(...data.takes.map((take) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const marks = [take.holds && "holds", data.circled === take.take && "circled", inShort(data, take), take.trouble && !take.parts.length && "cannot be played"];
    button.type = "button";
    button.textContent = [`Take ${take.number}`, ...marks.filter(Boolean)].join(" · ");
    button.title = `${take.take}, ${take.at}`;
    button.classList.toggle("circled", data.circled === take.take);
    if (take.take === player.chosen) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => { if (take.take !== player.chosen) showTake(take); });
    item.append(button);
    return item;
  }));
  if (focused) at("takes").querySelector("[aria-current]")?.focus();
  at("no-takes").hidden = data.takes.length > 0;
  versus.offer(data, player.take);
  timeline.notes(data.notes);
  showVerdicts(data, player.take);
  notes.show();
}

function nextTake(by) {
  const { takes } = player.data;
  const take = takes[takes.findIndex((one) => one.take === player.chosen) + by];
  if (take) showTake(take);
}

function seekIn(id, frame) {
  const take = player.data.takes.find((one) => one.take === id);
  if (take && take.take !== player.chosen) showTake(take, { frame });
  else seek(frame);
}

// ------------------------------------------------------------------------------------------------ which sequence

async function open(project, sequence, { playing = false } = {}) {
  const turn = (player.turn = (player.turn ?? 0) + 1);
  let data;
  try {
    data = await ask(project, sequence);
  } catch (refused) {
    at("trouble").textContent = refused.message;
    return;
  }
  if (turn !== player.turn) return; // somebody has gone on already
  Object.assign(player, { data, project, sequence });
  at("name").textContent = sequence;
  at("title").textContent = data.title;
  document.title = `${sequence} · Dailies · Starsend`;
  start.load(data.keyframe);
  versus.off();
  mark(true);
  showTake(data.takes[0], { playing });
}

// What others have changed; what plays and what is typed stays as it is.
async function renew() {
  const { project, sequence } = player;
  const data = await ask(project, sequence);
  if (player.project !== project || player.sequence !== sequence) return;
  const known = new Set(player.data.takes.map((take) => take.take));
  const come = data.takes.filter((take) => !known.has(take.take));
  player.data = data;
  start.load(data.keyframe);
  at("title").textContent = data.title;
  const shown = data.takes.find((take) => take.take === player.chosen);
  if (shown && (reel.take || !shown.parts.length)) {
    at("earlier-start").hidden = shown.on_locked || !data.keyframe;
    listTakes();
  } else showTake(shown ?? data.takes[0]);
  if (come.length && known.size) say(`Take ${come[0].number} of ${sequence} has come`);
}

async function again() {
  try {
    await (player.data ? renew() : here());
    isBack();
  } catch (refused) {
    if (isGone(refused)) pause();
    else if (refused instanceof Refused) say(refused.message, { bad: true });
  }
}

const cards = () => [...document.querySelectorAll("#strip [data-sequence]")];
const isShown = ({ dataset }) => dataset.project === player.project && dataset.sequence === player.sequence;

function neighbour(by) {
  const all = cards(), here = all.findIndex(isShown);
  return here < 0 ? all[0] : all[here + by];
}

function mark(scroll = false) {
  for (const card of cards()) {
    if (isShown(card)) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
  const strip = at("strip"), card = cards().find(isShown);
  if (card && scroll) strip.scrollLeft = card.offsetLeft - strip.offsetLeft - (strip.clientWidth - card.offsetWidth) / 2;
}

function go(by, playing = false) {
  const card = neighbour(by);
  if (!card) return say(by > 0 ? "That was the last take" : "This is the first take");
  history.pushState(null, "", card.getAttribute("href"));
  return open(card.dataset.project, card.dataset.sequence, { playing });
}

function here() {
  const [, , project, sequence] = location.pathname.split("/").map(decodeURIComponent);
  return open(project, sequence);
}

// ------------------------------------------------------------------------------------------------ controls

function press(id, change) {
  at(id).addEventListener("click", () => {
    const on = at(id).getAttribute("aria-pressed") !== "true";
    at(id).setAttribute("aria-pressed", String(on));
    change(on);
  });
}

const click = (id) => () => at(id).click();
const step = (by) => () => seek(reel.frame + by);
const acts = {
  play: toggle, back: step(-1), on: step(1), first: () => seek(0), last: () => seek(reel.frames - 1),
  circle: () => notes.circle(), previous: () => go(-1), next: () => go(1), help: () => at("keys").showModal(),
  full: () => (document.fullscreenElement ? document.exitFullscreen() : at("theatre").requestFullscreen()),
};
for (const [id, act] of Object.entries(acts)) at(id).addEventListener("click", act);
press("loop", (on) => { player.loop = on; });
press("all", (on) => { player.all = on; if (on && !reel.playing) play(); });
press("mute", (on) => reel.setMuted(on));
at("speed").addEventListener("change", () => { reel.setSpeed(Number(at("speed").value)); versus.reel.setSpeed(reel.speed); });
at("strip").addEventListener("click", (event) => {
  const card = event.target.closest("[data-sequence]");
  if (!card || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", card.getAttribute("href"));
  open(card.dataset.project, card.dataset.sequence);
});
window.addEventListener("popstate", here);

keys({
  " ": toggle, k: toggle, ArrowLeft: acts.back, ",": acts.back, ArrowRight: acts.on, ".": acts.on, Home: acts.first, End: acts.last,
  l: click("loop"), f: acts.full, n: acts.next, p: acts.previous, ArrowDown: () => nextTake(1), ArrowUp: () => nextTake(-1),
  c: acts.circle, m: () => notes.write(), d: () => start.next(), b: () => versus.flip(), "?": acts.help,
}, { held: ["ArrowLeft", "ArrowRight", ",", "."] });

watch({
  onGap: () => { again(); renewStrip(() => mark()); },
  onChange: ({ project, names }) => {
    if (project === player.project && (!names.length || names.includes(player.sequence))) again();
    renewStrip(() => { mark(); if (player.data) versus.offer(player.data, player.take); });
  },
});
here();
