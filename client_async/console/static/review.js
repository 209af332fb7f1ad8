// The grid review: which key, click and button does what.
import { say } from "./api.js";
import { ask, callOff, confirm, takeBack } from "./acts.js";
import { at, desk, flip, review, select, zoom } from "./choice.js";
import { keys, PASS } from "./keys.js";
import { place, toggle } from "./stage.js";
import { viewer } from "./viewer.js";

const PAN = 80; // pixels at a time

// The cell that has the focus, unless it is the chosen one: Enter and Space choose it first.
const focused = ({ target }) => { const cell = Number(target.dataset?.cell ?? 0); return cell === desk.selected ? 0 : cell; };

function arrow(across, down, way) {
  return (event) => {
    if (viewer.isZoomed()) return viewer.pan(PAN * across, PAN * down);
    if (!way || event.repeat) return PASS;
    if (viewer.isOpen()) return flip(across);
    return location.assign(at(way).href);
  };
}

const map = {
  ...Object.fromEntries([1, 2, 3, 4].map((number) => [number, () => select(number)])),
  Enter: (event) => (focused(event) ? select(focused(event)) : confirm()),
  " ": (event) => (focused(event) ? select(focused(event)) : flip()),
  z: zoom,
  Escape: () => (document.querySelector("dialog[open]") ?? viewer).close(),
  g: () => (viewer.isOpen() ? PASS : say(`Shown: ${toggle()}`)),
  ArrowLeft: arrow(-1, 0, "previous"), ArrowRight: arrow(1, 0, "next"), ArrowUp: arrow(0, -1), ArrowDown: arrow(0, 1),
  j: arrow(-1, 0, "previous"), k: arrow(1, 0, "next"),
  r: ask,
  x: callOff,
  u: takeBack,
  "?": () => at("help").showModal(),
};
const unlessGone = (act) => (event) => (review.hidden ? PASS : act(event));
keys(Object.fromEntries(Object.entries(map).map(([key, act]) => [key, unlessGone(act)])), { held: Object.keys(map).filter((key) => key.startsWith("Arrow")) });

document.addEventListener("click", (event) => {
  const cell = event.target.closest(".cell");
  if (cell) select(Number(cell.dataset.cell));
  event.target.closest("[data-close]")?.closest("dialog").close();
  const view = event.target.closest("[data-view]")?.dataset.view;
  if (view) ({ flip, zoom: () => viewer.zoom(), close: viewer.close })[view]();
});
document.addEventListener("dblclick", (event) => event.target.closest(".cell") && confirm());
at("show-help").addEventListener("click", () => at("help").showModal());

place();
select(0);
if (location.hash === "#none") {
  history.replaceState(null, "", location.pathname);
  say("No other sequence waits for a pick");
}
