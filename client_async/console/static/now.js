// What runs now: asked for when it is said to have changed, and put in place without moving focus, scroll or what is unfolded.
import { page } from "./api.js";
import { replace } from "./focus.js";

let shown = "";
let ahead = 0;
let asking = false;
let again = false;

export async function bringNow() {
  const panel = document.getElementById("now");
  if (!panel) return;
  if (asking) { again = true; return; }
  asking = true;
  try {
    do {
      again = false;
      put(panel, (await page("/now")).getElementById("now-body"));
    } while (again);
  } catch {
    // The line at the top says that the connection is lost; what was known stays.
  } finally {
    asking = false;
  }
}

function put(panel, fresh) {
  ahead = Date.now() - Date.parse(fresh.dataset.at);
  delete fresh.dataset.at;
  if (fresh.outerHTML !== shown) {
    shown = fresh.outerHTML;
    const old = panel.querySelector("#now-body");
    for (const open of old.querySelectorAll("details[open]")) {
      const same = fresh.querySelector(`details[data-key="${open.dataset.key}"]`);
      if (same) same.open = true;
    }
    replace(old, fresh, panel);
  }
  panel.removeAttribute("aria-busy");
  tick();
}

function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  if (minutes) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  return `${seconds} s`;
}

function tick() {
  const now = Date.now() - ahead;
  for (const one of document.querySelectorAll("#now [data-since]")) one.textContent = span(now - Date.parse(one.dataset.since));
  for (const one of document.querySelectorAll("#now [data-until]")) one.textContent = `in ${span(Date.parse(one.dataset.until) - now)}`;
}

setInterval(tick, 1000);
