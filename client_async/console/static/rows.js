// The list's rows and projects, brought up to date: what is as it was is not touched, so that nothing jumps, flickers or loses the focus.
import { replace } from "./focus.js";

export const rowOf = (project, name) => document.getElementById(`row-${project}/${name}`);

const told = []; // rows in another state than before
let telling = 0;

// For whoever listens: one line for all that changes within two seconds.
function hear(row, read) {
  told.push(`${row.dataset.sequence}: ${row.querySelector(".chip").textContent}`);
  telling ||= setTimeout(() => {
    read(told.length > 3 ? `${told.length} sequences changed, ${told.slice(0, 2).join(", ")} and others` : told.join(", "));
    told.length = telling = 0;
  }, 2000);
}

// Whether a part is as it was, but for what this page has done to it.
function isSame(old, fresh) {
  fresh.hidden = old.hidden;
  fresh.classList.toggle("fresh", old.classList.contains("fresh"));
  return old.isEqualNode(fresh);
}

// The row that stands in the end.
export function putRow(old, fresh, read) {
  if (isSame(old, fresh)) return old;
  if (old.dataset.group !== fresh.dataset.group) hear(fresh, read);
  fresh.classList.add("fresh");
  replace(old, fresh);
  return fresh;
}

// Children of `old` as those of `fresh`: known ones by their key stay where they are, unless their order is another.
function align(old, fresh, keyOf, put) {
  const known = new Map([...old.children].map((child) => [keyOf(child), child]));
  let at = old.firstElementChild;
  for (const child of [...fresh.children]) {
    const before = known.get(keyOf(child));
    known.delete(keyOf(child));
    const isNext = before && before === at;
    const now = before ? put(before, child) : child;
    if (isNext) at = now.nextElementSibling;
    else old.insertBefore(now, at);
  }
  for (const gone of known.values()) gone.remove();
}

function putProject(old, fresh, read) {
  const [head, now] = [old.querySelector("header"), fresh.querySelector("header")];
  if (!head.isEqualNode(now)) replace(head, now);
  align(old.querySelector(".rows"), fresh.querySelector(".rows"), (row) => row.id, (was, is) => putRow(was, is, read));
  return old;
}

export function putProjects(fresh, read) {
  const keyOf = (section) => section.dataset.project;
  align(document.getElementById("projects"), fresh.querySelector("#projects"), keyOf, (was, is) => putProject(was, is, read));
}
