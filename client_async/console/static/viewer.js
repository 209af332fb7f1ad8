// Candidates at full size, each in the place of the other, so that the eye sees what differs; and their pixels, 1:1.

const root = document.getElementById("viewer");
const pane = root.querySelector(".pane");
const label = document.getElementById("shown");
const behind = [document.querySelector(".bar"), document.getElementById("review")];
let pictures = [];
let number = 0;
let left = null;

const isOpen = () => !root.hidden;
const isZoomed = () => isOpen() && pane.classList.contains("pixels");
const current = () => pictures.find((picture) => Number(picture.dataset.cell) === number);

function show(wanted) {
  number = wanted;
  for (const picture of pictures) picture.hidden = Number(picture.dataset.cell) !== number;
  label.textContent = current()?.dataset.label ?? "";
}

// What lies behind is neither tabbed to nor read while it is covered.
function cover(on) {
  root.hidden = !on;
  for (const part of behind) part.inert = on;
  document.documentElement.classList.toggle("viewing", on);
}

function setPixels(on) {
  pane.classList.toggle("pixels", on);
  pane.tabIndex = on ? 0 : -1; // it scrolls then
  root.querySelector("[data-view=zoom]").setAttribute("aria-pressed", String(on));
}

// cells: [{number, picture, label}]
function open(cells, wanted) {
  pictures = cells.map((cell) => {
    const picture = new Image();
    picture.src = cell.picture;
    picture.alt = "";
    picture.draggable = false;
    Object.assign(picture.dataset, { cell: cell.number, label: cell.label });
    return picture;
  });
  pane.replaceChildren(...pictures);
  setPixels(false);
  left = document.activeElement;
  cover(true);
  show(wanted);
  root.focus({ preventScroll: true });
}

function close() {
  if (!isOpen()) return;
  cover(false);
  pane.replaceChildren();
  pictures = [];
  if (left?.isConnected) left.focus({ preventScroll: true });
}

function flip(step) {
  const at = pictures.indexOf(current());
  const next = pictures[(at + step + pictures.length) % pictures.length];
  if (next) show(Number(next.dataset.cell));
  return number;
}

// Where the picture itself lies on the screen; fitted into the pane it has bars beside or above it.
function area(picture) {
  const box = picture.getBoundingClientRect();
  const scale = Math.min(box.width / picture.naturalWidth, box.height / picture.naturalHeight);
  const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
  return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
}

// spot: {x, y} on the screen, and which part of the picture is to lie there ({across, down}, 0 to 1; found out when it is absent).
async function zoom(spot) {
  const picture = current();
  if (!picture) return;
  await picture.decode().catch(() => {});
  const frame = pane.getBoundingClientRect();
  const x = spot?.x ?? frame.left + frame.width / 2;
  const y = spot?.y ?? frame.top + frame.height / 2;
  const before = area(picture);
  const across = spot?.across ?? Math.min(1, Math.max(0, (x - before.left) / before.width));
  const down = spot?.down ?? Math.min(1, Math.max(0, (y - before.top) / before.height));
  const pixels = !isZoomed();
  setPixels(pixels);
  for (const one of pictures) one.style.width = pixels ? `${picture.naturalWidth / devicePixelRatio}px` : "";
  if (!pixels) return;
  const after = area(picture);
  pane.scrollLeft += after.left + across * after.width - x;
  pane.scrollTop += after.top + down * after.height - y;
}

const pan = (across, down) => pane.scrollBy(across, down);

pane.addEventListener("pointerdown", (event) => {
  if (!isZoomed() || event.pointerType !== "mouse") return;
  pane.setPointerCapture(event.pointerId);
  pane.classList.add("dragging");
});
pane.addEventListener("pointermove", (event) => {
  if (pane.classList.contains("dragging")) pan(-event.movementX, -event.movementY);
});
for (const end of ["pointerup", "pointercancel"]) pane.addEventListener(end, () => pane.classList.remove("dragging"));

export const viewer = { isOpen, isZoomed, open, close, show, flip, zoom, pan };
