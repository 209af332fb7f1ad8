// The take's first frame against the picture it should start on: beside it, wiped over it, or what differs.

const MODES = ["off", "beside", "over", "difference"];
const at = (id) => document.getElementById(id);

export class StartFrame {
  // onMode(mode): something else than before is shown.
  constructor(onMode) {
    this.mode = "off";
    this.onMode = onMode;
    for (const button of document.querySelectorAll("[data-start]")) button.addEventListener("click", () => this.set(button.dataset.start));
    at("wipe").addEventListener("input", () => this.#wipe());
    this.#wipe();
  }

  load(url) {
    const picture = at("keyframe");
    if (picture.getAttribute("src") !== (url ?? "")) {
      if (url) picture.src = url;
      else picture.removeAttribute("src");
    }
    at("start-modes").hidden = !url;
    if (!url) this.set("off");
  }

  next() {
    if (!at("start-modes").hidden) this.set(MODES[(MODES.indexOf(this.mode) + 1) % MODES.length]);
  }

  set(mode) {
    if (mode === this.mode) return;
    this.mode = mode;
    at("theatre").dataset.start = mode;
    at("keyframe-box").hidden = mode === "off";
    at("wipe-row").hidden = mode !== "over";
    for (const button of document.querySelectorAll("[data-start]")) button.setAttribute("aria-pressed", String(button.dataset.start === mode));
    // Over the film, or in a box of its own beside it.
    (mode === "beside" ? at("stage") : at("film-a")).append(at("keyframe-box"));
    this.onMode(mode);
  }

  #wipe() {
    at("theatre").style.setProperty("--wipe", `${at("wipe").value}%`);
  }
}
