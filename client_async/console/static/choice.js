// What the review page is of, and which cell is chosen on it.
import { PASS } from "./keys.js";
import { cellAt, cells } from "./stage.js";
import { viewer } from "./viewer.js";

export const at = (id) => document.getElementById(id);
export const review = at("review");
export const { project, sequence } = review.dataset;
export const mayAct = at("acts") !== null;
export const desk = { selected: 0, busy: false };
const pointer = { x: 0, y: 0 };

// The pick that the page shows, and in which words another grid is asked for; null for none.
export const seen = () => JSON.parse(review.dataset.seen);
export const asked = () => JSON.parse(review.dataset.asked);

export function select(number) {
  if (number && !cells().some((cell) => cell.number === number)) return;
  desk.selected = number;
  const moves = document.activeElement.classList.contains("cell");
  for (const cell of cells()) {
    cell.element.setAttribute("aria-pressed", String(cell.number === number));
    if (moves && cell.number === number) cell.element.focus({ preventScroll: true });
  }
  if (number && viewer.isOpen()) viewer.show(number);
  offer();
}

// What the buttons say and which of them there are.
export function offer() {
  if (!mayAct) return;
  const [number, picked, wish] = [desk.selected, seen(), asked() !== null];
  const isSame = picked !== null && picked.cell === number && !wish; // a pick calls another grid off
  at("pick").disabled = !number || isSame;
  at("pick").textContent = isSame ? `Cell ${number} is picked` : number ? `Pick cell ${number}` : "Pick a cell";
  at("undo").hidden = picked === null;
  at("ask").hidden = wish;
  at("off").hidden = !wish;
}

export function flip(step = 1) {
  const all = cells();
  if (!all.length) return PASS;
  if (viewer.isOpen()) select(viewer.flip(step));
  else viewer.open(all, desk.selected || seen()?.cell || 1);
}

export function zoom() {
  if (viewer.isOpen()) return viewer.zoom(pointer);
  const all = cells();
  if (!all.length) return PASS;
  const under = cellAt(pointer.x, pointer.y);
  viewer.open(all, under?.number ?? (desk.selected || 1));
  viewer.zoom(under ? { ...pointer, ...under } : undefined);
}

document.addEventListener("pointermove", (event) => Object.assign(pointer, { x: event.clientX, y: event.clientY }));
