// Keys as reviewers know them. None fires while somebody types, none repeats while it is held, none fights the browser's own.

const TYPING = "input, textarea, select, [contenteditable]";

export function keys(map) {
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.(TYPING)) return;
    if (document.querySelector("dialog[open]") && event.key !== "Escape") return;
    const act = map[event.key];
    // A focused button or link is pressed by Enter and Space itself.
    if (!act || ((event.key === " " || event.key === "Enter") && event.target.closest?.("button, a, summary"))) return;
    event.preventDefault();
    act(event);
  });
}
