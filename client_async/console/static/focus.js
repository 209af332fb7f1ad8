// The focus outlives what it stands on, when a part of the page is put in the place of an older one.

const LANDS = "a[href], button, input, textarea, select, summary, [tabindex]";
const nameOf = (one) => one.id || one.dataset.key || one.dataset.cell || one.getAttribute("href") || "";

// Call it before; what it answers, after, with what has come: the same thing there, or what stands in its place, has the focus;
// `otherwise` where there is nothing.
export function focusIn(old, otherwise) {
  const focused = document.activeElement;
  if (!old.contains(focused)) return () => {};
  const at = [...old.querySelectorAll(LANDS)].indexOf(focused);
  const name = nameOf(focused);
  return (fresh) => {
    const there = [...fresh.querySelectorAll(LANDS)];
    (there.find((one) => name && nameOf(one) === name) ?? there[at] ?? there.at(-1) ?? otherwise)?.focus({ preventScroll: true });
  };
}

export function replace(old, fresh, otherwise) {
  const back = focusIn(old, otherwise);
  old.replaceWith(fresh);
  back(fresh);
}
