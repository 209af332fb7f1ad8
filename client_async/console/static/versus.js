// A second take in step with the first, beside it or in its place.
import { say } from "./api.js";
import { Reel } from "./reel.js";

const at = (id) => document.getElementById(id);

export class Versus {
  // ask(project, sequence): its takes. onChange(): compared with another take, or shown another way.
  constructor(ask, onChange) {
    Object.assign(this, { ask, onChange, reel: new Reel(at("film-b")), take: null, over: false, showsB: false });
    this.reel.setMuted(true);
    at("versus").addEventListener("change", () => this.#choose(at("versus").value));
    at("side").addEventListener("click", () => { this.over = !this.over; this.#lay(); });
  }

  // What can be chosen: other takes of the sequence, and of the other sequences the take that holds.
  offer(data, take) {
    const choose = at("versus"), chosen = choose.value;
    const option = (text, ...value) => new Option(text, value.length ? JSON.stringify(value) : "");
    const own = data.takes.filter((one) => one.take !== take?.take && one.parts.length)
      .map((one) => option(`Take ${one.number}${one.holds ? ", holds" : ""}`, data.project, data.sequence, one.take));
    const others = [...document.querySelectorAll("#strip [data-sequence]")]
      .filter(({ dataset }) => dataset.project !== data.project || dataset.sequence !== data.sequence)
      .map(({ dataset }) => option(`${dataset.sequence} · ${dataset.project}`, dataset.project, dataset.sequence, dataset.take));
    const offered = [...own, ...others].map((one) => one.text + one.value).join();
    if (offered === this.offered) return; // lest an open list closes
    this.offered = offered;
    const group = (label, options) => {
      const made = document.createElement("optgroup");
      made.label = label;
      made.append(...options);
      return made;
    };
    choose.replaceChildren(option("nothing"), group("This sequence", own), group("Other sequences", others));
    if ([...choose.options].some((one) => one.value === chosen)) choose.value = chosen;
    else if (chosen) this.#choose("");
  }

  async #choose(value) {
    at("versus").value = value;
    this.reel.unload();
    this.take = null;
    if (value) {
      const [project, sequence, id] = JSON.parse(value);
      try {
        const takes = (await this.ask(project, sequence)).takes.filter((one) => one.parts.length);
        this.take = takes.find((one) => one.take === id) ?? takes[0] ?? null;
        if (!this.take) say("There is no take of it to compare with", { bad: true });
      } catch (refused) {
        say(refused.message, { bad: true });
      }
      if (this.take) {
        this.reel.load(this.take);
        at("name-b").textContent = `B · ${sequence}, take ${this.take.number}`;
      }
    }
    this.#lay();
  }

  off() {
    if (at("versus").value) this.#choose("");
  }

  // b: A, then B, in one place.
  flip() {
    if (!this.take) return say("Choose a take to compare with first");
    if (this.over) this.showsB = !this.showsB;
    else Object.assign(this, { over: true, showsB: true });
    return this.#lay();
  }

  #lay() {
    if (!this.over) this.showsB = false;
    const theatre = at("theatre");
    theatre.dataset.versus = !this.take ? "off" : this.over ? (this.showsB ? "b" : "a") : "side";
    at("film-b").hidden = at("name-a").hidden = at("name-b").hidden = !this.take;
    at("side").hidden = !this.take;
    at("side").setAttribute("aria-pressed", String(!this.over));
    this.onChange();
  }
}

