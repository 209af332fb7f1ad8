// Keys as reviewers know them. None fires while somebody types, none repeats while it is held (but those that are named in
// `held`), none fights the browser's own.

export const PASS = Symbol("pass"); // what an act answers that has nothing to do: the key is the browser's

const TYPING = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const PRESSED = "button, a, summary";
const SLIDES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

// Which key is meant: by what it writes; by its place where it writes no Latin letter, or a digit with Shift alone; small under Caps Lock.
function meant(map, event) {
  if (map[event.key] || event.shiftKey) return event.key;
  const place = /^(?:Key|Digit)(\w)$/.exec(event.code)?.[1].toLowerCase();
  const isForeign = event.key.length === 1 && event.key > "\x7f";
  return place && (isForeign || event.code.startsWith("Digit") || event.getModifierState("CapsLock")) ? place : event.key;
}

export function keys(map, { held = [] } = {}) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    // What was in a dialog that has just been closed has the focus until the next frame.
    const target = event.target.checkVisibility?.() ? event.target : document.body;
    if (target.closest(TYPING)) {
      if (event.key === "Escape") target.blur();
      return;
    }
    // A focused button or link is pressed by Enter and Space itself; once, however long: it may be one that pays.
    if ((event.key === " " || event.key === "Enter") && target.closest(PRESSED)) {
      if (event.repeat) event.preventDefault();
      return;
    }
    const key = meant(map, event);
    if (event.repeat && !held.includes(key)) return;
    if (target.matches("[type=range]") && SLIDES.has(key)) return;
    if (document.querySelector("dialog[open]") && key !== "Escape") return;
    if (map[key] && map[key](event) !== PASS) event.preventDefault();
  });
}
