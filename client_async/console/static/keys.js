// Keys as reviewers know them. None fires while somebody types, none repeats while it is held (but those that are named in
// `held`), none fights the browser's own.

const TYPING = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const SLIDES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

export function keys(map, { held = [] } = {}) {
  document.addEventListener("keydown", (event) => {
    if ((event.repeat && !held.includes(event.key)) || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.(TYPING)) return;
    if (event.target.matches?.("[type=range]") && SLIDES.has(event.key)) return;
    if (document.querySelector("dialog[open]") && event.key !== "Escape") return;
    const act = map[event.key];
    // A focused button or link is pressed by Enter and Space itself.
    if (!act || ((event.key === " " || event.key === "Enter") && event.target.closest?.("button, a, summary"))) return;
    event.preventDefault();
    act(event);
  });
}
