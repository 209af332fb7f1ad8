// Shots, their prompts and the notes along a take, and where it stands.
import { timecode } from "./reel.js";

const at = (id) => document.getElementById(id);

export class Timeline {
  constructor(onSeek) {
    this.onSeek = onSeek;
    const bar = at("scrub");
    const seek = (event) => {
      const { left, width } = bar.getBoundingClientRect();
      onSeek(Math.floor(((event.clientX - left) / width) * this.frames));
    };
    bar.addEventListener("pointerdown", (event) => {
      bar.setPointerCapture(event.pointerId);
      bar.focus();
      seek(event);
    });
    bar.addEventListener("pointermove", (event) => { if (bar.hasPointerCapture(event.pointerId)) seek(event); });
  }

  get frames() { return this.take?.frames ?? 0; }

  load(take) {
    this.take = take;
    this.shot = undefined;
    at("shots").replaceChildren(...take.shots.map((shot, index) => this.#shot(shot, index)));
    at("shots").hidden = !take.shots.length;
    at("scrub").setAttribute("aria-valuemax", Math.max(0, take.frames - 1));
  }

  #shot(shot, index) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const number = document.createElement("b");
    const prompt = document.createElement("span");
    number.textContent = index + 1;
    prompt.textContent = shot.prompt;
    button.type = "button";
    button.title = shot.prompt;
    button.dataset.shot = index;
    button.append(number, prompt);
    button.addEventListener("click", () => this.onSeek(shot.first));
    item.style.flexGrow = shot.frames;
    item.append(button);
    return item;
  }

  notes(notes) {
    at("marks").replaceChildren(...notes.filter((note) => note.take === this.take?.take).map((note) => {
      const mark = document.createElement("span");
      mark.style.left = `${((note.frame + 0.5) / Math.max(1, this.frames)) * 100}%`;
      mark.title = `${note.by}: ${note.text}`;
      return mark;
    }));
  }

  show(frame) {
    const { take } = this;
    const shot = take.shots.findLastIndex((one) => one.first <= frame);
    const code = timecode(frame, take);
    at("timecode").textContent = code;
    at("frame").textContent = `${frame + 1} / ${this.frames}`;
    at("head").style.left = `${((frame + 0.5) / Math.max(1, this.frames)) * 100}%`;
    const bar = at("scrub");
    bar.setAttribute("aria-valuenow", frame);
    bar.setAttribute("aria-valuetext", `${code}, frame ${frame + 1} of ${this.frames}${shot >= 0 ? `, shot ${shot + 1}` : ""}`);
    if (shot !== this.shot) this.#turn(shot);
  }

  #turn(shot) {
    this.shot = shot;
    for (const button of at("shots").querySelectorAll("button")) {
      if (Number(button.dataset.shot) === shot) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    const told = this.take.shots[shot];
    at("shot-of").textContent = told ? `Shot ${shot + 1} of ${this.take.shots.length} · ${told.seconds} s` : "Shots are not known";
    at("prompt").textContent = told?.prompt ?? "";
    at("sent").hidden = !told || told.sent === told.prompt;
    at("sent-words").textContent = told?.sent ?? "";
  }
}
