// The circle, and notes at a frame. What is being typed is never touched by what others write.
import { say, tell } from "./api.js";
import { timecode } from "./reel.js";

const at = (id) => document.getElementById(id);
const who = document.body.dataset.who;
const NO_TAKE = "No take of this sequence has been made yet";
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export class Notes {
  // player: {data, take, frame, pause(), seekIn(take, frame), renew()}
  constructor(player) {
    this.player = player;
    this.frame = 0;
    const box = at("note");
    if (!box) return;
    box.addEventListener("focus", () => this.#hold());
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") box.blur();
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!event.repeat) this.save();
    });
    at("note-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  get #api() {
    const { project, sequence } = this.player.data;
    return `/api/projects/${encodeURIComponent(project)}/sequences/${encodeURIComponent(sequence)}`;
  }

  write() {
    const box = at("note");
    if (!box) return say("Log in to leave notes");
    if (!this.player.take) return say(NO_TAKE);
    this.player.pause();
    if (document.fullscreenElement) document.exitFullscreen(); // the box is beside the film
    box.focus();
    this.#hold();
  }

  // A note is of the frame at which it was begun.
  #hold() {
    if (at("note").value.trim() || !this.player.take) return;
    Object.assign(this, { frame: this.player.frame, take: this.player.take, of: this.#api });
    at("note-at").textContent = `${this.player.data.sequence}, take ${this.take.number}, ${timecode(this.frame, this.take)}`;
  }

  // The take or the frame is another one.
  moved() {
    if (at("note")) this.#hold();
  }

  async save() {
    const box = at("note"), text = box.value.trim();
    if (!text || box.readOnly || !this.take) return;
    box.readOnly = true;
    try {
      await tell("POST", `${this.of}/notes`, { take: this.take.take, frame: this.frame, text });
      box.value = "";
      await this.player.renew();
    } catch (refused) {
      say(refused.message, { bad: true });
    } finally {
      box.readOnly = false;
      this.#hold();
    }
  }

  async circle() {
    if (!who) return say("Log in to circle a take");
    const { data, take } = this.player;
    if (!take) return say(NO_TAKE);
    try {
      await tell("POST", `${this.#api}/circle`, { take: data.circled === take.take ? null : take.take, seen: data.circled });
    } catch (refused) {
      say(refused.message, { bad: true });
    }
    return this.player.renew();
  }

  async #remove(note) {
    try {
      await tell("DELETE", `${this.#api}/notes/${encodeURIComponent(note.id)}`);
    } catch (refused) {
      say(refused.message, { bad: true });
    }
    await this.player.renew();
    (at("notes").querySelector("button") ?? at("notes")).focus(); // not the box: the next key would be typed
  }

  show() {
    const { data, take } = this.player;
    const circled = Boolean(take) && data.circled === take.take;
    at("circle").setAttribute("aria-pressed", String(circled));
    for (const id of ["circle", "note-form"]) at(id)?.toggleAttribute("hidden", !take);
    const mine = data.notes.filter((note) => note.take === take?.take);
    const others = data.notes.filter((note) => note.take !== take?.take);
    const kept = at("notes").contains(document.activeElement) ? document.activeElement.dataset.key : null;
    at("notes").replaceChildren(...[...mine, ...others].map((note) => this.#item(note)));
    if (kept) at("notes").querySelector(`[data-key="${CSS.escape(kept)}"]`)?.focus();
    at("no-notes").hidden = data.notes.length > 0;
  }

  #item(note) {
    const { data, take } = this.player;
    const of = data.takes.find((one) => one.take === note.take);
    const item = document.createElement("li");
    const go = document.createElement("button");
    const by = document.createElement("span");
    const text = document.createElement("p");
    item.dataset.note = note.id;
    Object.assign(go, { type: "button", className: "go", textContent: timecode(note.frame, of) });
    go.dataset.key = `go ${note.id}`;
    go.setAttribute("aria-label", `Go to ${timecode(note.frame, of)}`);
    go.addEventListener("click", () => this.player.seekIn(note.take, note.frame));
    by.className = "by";
    by.textContent = [note.by, note.take === take?.take ? "" : `take ${of?.number ?? "?"}`].filter(Boolean).join(" · ");
    const date = new Date(note.at);
    by.title = Number.isNaN(date.getTime()) ? note.at : day.format(date);
    text.textContent = note.text;
    item.append(go, by);
    if (who && note.by === who) {
      const gone = document.createElement("button");
      Object.assign(gone, { type: "button", className: "gone", textContent: "Delete" });
      gone.dataset.key = `gone ${note.id}`;
      gone.setAttribute("aria-label", `Delete the note at ${timecode(note.frame, of)}`);
      gone.addEventListener("click", () => this.#remove(note));
      item.append(gone);
    }
    item.append(text);
    return item;
  }
}
