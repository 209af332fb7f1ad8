// A second take in step with the first, beside it or in its place.
import { say } from "./api.js";
import { Reel } from "./reel.js";

const at = (id) => document.getElementById(id);

// A sequence's takes as they are listed: the one that holds first, then the newest.
function inOrder({ takes, held }) {
  const numbers = Array.from({ length: Number(takes) }, (_, index) => Number(takes) - index);
  return held === "0" ? numbers : [Number(held), ...numbers.filter((number) => number !== Number(held))];
}

export class Versus {
  // ask(project, sequence): its takes. onChange(): compared with another take, or shown another way.
  constructor(ask, onChange) {
    Object.assign(this, { ask, onChange, reel: new Reel(at("film-b")), take: null, over: false, showsB: false });
    this.reel.setMuted(true);
    at("versus").addEventListener("change", () => this.#choose(at("versus").value));
    at("side").addEventListener("click", () => { this.over = !this.over; this.#lay(); });
  }

  // What can be chosen: every other take of the sequence, and of every other sequence that is watched. A sequence's name comes
  // first, so that whoever types it with the list open is led there.
  offer(data, take) {
    const choose = at("versus"), chosen = choose.value;
    const option = (text, ...value) => new Option(text, value.length ? JSON.stringify(value) : "");
    const own = data.takes.filter((one) => one.take !== take?.take && one.parts.length);
    const others = [...document.querySelectorAll("#strip [data-sequence]")].map(({ dataset }) => dataset)
      .filter((one) => one.project !== data.project || one.sequence !== data.sequence);
    const offered = JSON.stringify([data.project, data.sequence, own.map((one) => [one.number, one.holds]),
      others.map((one) => [one.project, one.sequence, one.takes, one.held])]);
    if (offered === this.offered) return; // lest an open list closes
    this.offered = offered;
    const group = (label, options) => {
      const made = document.createElement("optgroup");
      made.label = label;
      made.append(...options);
      return made;
    };
    const named = (number, holds) => `take ${number}${holds ? ", holds" : ""}`;
    const byProject = Map.groupBy(others.flatMap((one) => inOrder(one).map((number) => ({ one, number }))), ({ one }) => one.project);
    choose.replaceChildren(
      option("nothing"),
      group("This sequence", own.map((one) => option(named(one.number, one.holds), data.project, data.sequence, one.number))),
      ...[...byProject].map(([project, takes]) => group(`Other sequences of ${project}`, takes.map(({ one, number }) =>
        option(`${one.sequence} · ${named(number, number === Number(one.held))}`, project, one.sequence, number)))),
    );
    if ([...choose.options].some((one) => one.value === chosen)) choose.value = chosen;
    else if (chosen) this.#choose("");
  }

  async #choose(value) {
    at("versus").value = value;
    this.reel.unload();
    this.take = null;
    if (value) {
      const [project, sequence, number] = JSON.parse(value);
      try {
        const take = (await this.ask(project, sequence)).takes.find((one) => one.number === number);
        if (at("versus").value !== value) return; // something else has been chosen meanwhile
        if (take?.parts.length) this.take = take;
        else say(take?.trouble || `Take ${number} of ${sequence} is not there`, { bad: true });
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

