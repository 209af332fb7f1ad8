// The client's page: watch in order, say yes or no, leave a note where the take stands.
import { say, tell } from "./api.js";
import { keys } from "./keys.js";

const name = document.getElementById("name");
const cards = [...document.querySelectorAll(".card")];
const films = [...document.querySelectorAll("video")];
const clock = (seconds) => `${Math.floor(Math.round(seconds) / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;
let inOrder = false;

try { name.value = localStorage.getItem("name") ?? ""; } catch { /* storage is off: the name is asked for each time */ }

// Where a take stands: of one in parts, in the part that was watched last.
const stood = new WeakMap();
function standing(card) {
  const film = stood.get(card);
  return film ? Number(film.dataset.from) + film.currentTime : 0;
}

for (const film of films) {
  const card = film.closest(".card");
  film.addEventListener("play", () => { for (const other of films) if (other !== film) other.pause(); });
  film.addEventListener("timeupdate", () => {
    stood.set(card, film);
    const seconds = standing(card);
    card.querySelector("[data-when]").textContent = seconds > 0 ? `at ${clock(seconds)}` : "";
  });
  film.addEventListener("ended", () => {
    const next = films[films.indexOf(film) + 1];
    if (next && (inOrder || next.closest(".card") === card)) show(next.closest(".card"), next);
  });
}

function show(card, film = card.querySelector("video")) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  card.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  if (film && inOrder) film.play();
  else (film ?? card).focus({ preventScroll: true });
}

function step(by) {
  const here = cards.findIndex((card) => card.getBoundingClientRect().bottom > 80);
  const wanted = cards[Math.min(Math.max(here + by, 0), cards.length - 1)];
  if (wanted) show(wanted);
}

function playAll() {
  inOrder = true;
  if (films.length) show(films[0].closest(".card"), films[0]);
}

function added(card, answer) {
  const line = document.createElement("li");
  const head = document.createElement("b");
  const by = document.createElement("span");
  if (answer.approved === null) head.textContent = answer.seconds ? `Note at ${clock(answer.seconds)}` : "Note";
  else {
    head.textContent = answer.approved ? "Approved" : "Not approved";
    head.className = answer.approved ? "yes" : "no";
  }
  by.className = "by";
  by.textContent = answer.by;
  line.append(head, " ", by);
  if (answer.text) {
    const text = document.createElement("span");
    text.className = "text";
    text.textContent = answer.text;
    line.append(text);
  }
  card.querySelector(".said-of").append(line);
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, card = form.closest(".card"), does = event.submitter?.dataset.does ?? "note";
  const text = form.elements.text.value;
  if (!name.reportValidity()) return;
  if (does === "note" && !text.trim()) {
    say("Write the note first", { bad: true });
    form.elements.text.focus();
    return;
  }
  const path = `takes/${card.dataset.number}/${does === "note" ? "note" : "approve"}`;
  const body = { name: name.value, text };
  if (does === "note") body.seconds = standing(card);
  else body.approved = does === "approve";
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  try {
    added(card, await tell("POST", path, body));
    form.elements.text.value = "";
    try { localStorage.setItem("name", name.value); } catch { /* as above */ }
    say(does === "note" ? "Your note is with the studio" : "Your answer is with the studio");
  } catch (refused) {
    const words = refused.remedy ? `${refused.message}: ${refused.remedy}` : refused.message;
    say(words[0].toUpperCase() + words.slice(1), { bad: true });
  } finally {
    for (const button of form.querySelectorAll("button")) button.disabled = false;
    if (document.activeElement === document.body) event.submitter?.focus({ preventScroll: true }); // a disabled button lets go of it
  }
});

document.getElementById("all").addEventListener("click", playAll);
keys({ n: () => step(1), p: () => step(-1), a: playAll });
