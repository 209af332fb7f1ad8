// The grid on its stage: its cells laid over the picture where they were detected, or side by side as they were cut.

const stage = () => document.getElementById("stage");
const picture = () => document.getElementById("picture");

export const cells = () => [...stage().querySelectorAll(".cell")].map((cell) => ({
  element: cell,
  number: Number(cell.dataset.cell),
  picture: cell.dataset.picture,
  label: cell.getAttribute("aria-label"),
}));

// The cell under a point of the screen, and where in it that point lies.
export function cellAt(x, y) {
  const element = document.elementFromPoint(x, y)?.closest(".cell");
  if (!element) return null;
  const box = element.getBoundingClientRect();
  return { number: Number(element.dataset.cell), across: (x - box.left) / box.width, down: (y - box.top) / box.height };
}

// As large as the window lets it be.
function fit() {
  const shown = picture();
  if (!shown) return;
  const whole = shown.querySelector(".whole");
  const [width, height] = [Number(whole.getAttribute("width")), Number(whole.getAttribute("height"))];
  const top = stage().getBoundingClientRect().top + scrollY;
  const scale = Math.min(stage().clientWidth / width, Math.max(240, innerHeight - top - 52) / height);
  shown.style.width = `${Math.floor(width * scale)}px`;
  shown.style.height = `${Math.floor(height * scale)}px`;
}

export function place() {
  const shown = picture();
  if (!shown) return;
  const whole = shown.querySelector(".whole");
  shown.classList.toggle("tiles", !shown.dataset.detected);
  for (const { element } of cells()) {
    const [left, top, right, bottom] = element.dataset.box.split(",").map(Number);
    if (!shown.dataset.detected) continue;
    const share = (pixels, side) => `${(100 * pixels) / Number(whole.getAttribute(side))}%`;
    Object.assign(element.style, {
      left: share(left, "width"), top: share(top, "height"),
      width: share(right - left, "width"), height: share(bottom - top, "height"),
    });
  }
  fit();
}

export function toggle() {
  const shown = picture();
  if (!shown) return "";
  if (shown.dataset.detected) return shown.classList.toggle("tiles") ? "the four cells as they were cut" : "the whole picture";
  return shown.classList.toggle("bare") ? "the whole picture" : "the four cells as they were cut";
}

// Who is picked now, without loading the same pictures again.
export function mark(fresh) {
  for (const { element, number } of cells()) {
    const now = fresh.querySelector(`[data-cell="${number}"]`);
    element.setAttribute("aria-label", now.getAttribute("aria-label"));
    if (now.dataset.picked) element.dataset.picked = "yes";
    else delete element.dataset.picked;
    element.querySelector(".number").textContent = now.querySelector(".number").textContent;
  }
}

window.addEventListener("resize", fit);
