// The review page brought up to date: parts that have changed are put in the place of the old ones, what is chosen and typed stays.
import { page, read, Refused, say } from "./api.js";
import { at, desk, project, review, seen, select, sequence } from "./choice.js";
import { replace } from "./focus.js";
import { watch } from "./live.js";
import { mark, place } from "./stage.js";
import { viewer } from "./viewer.js";

const served = new Map([...document.querySelectorAll("[data-live]")].map((region) => [region.id, region.outerHTML]));
let running = null;
let again = false;
let later = null;

function renew(region, fresh) {
  region.querySelectorAll("details").forEach((part, i) => { const now = fresh.querySelectorAll("details")[i]; if (now) now.open = part.open; });
  replace(region, fresh);
}

function take(fresh) {
  const [was, before] = [review.dataset.grid, seen()];
  Object.assign(review.dataset, fresh.getElementById("review").dataset);
  const isReplaced = was !== review.dataset.grid;
  const state = at("state").textContent;
  for (const [id, html] of served) {
    const region = fresh.getElementById(id);
    if (!region || region.outerHTML === html) continue;
    served.set(id, region.outerHTML);
    if (id === "stage" && !isReplaced && at("picture") && region.querySelector("#picture")) mark(region);
    else renew(at(id), region);
  }
  place();
  settle(isReplaced, before);
  if (at("state").textContent !== state) read(`${sequence}: ${at("state").textContent}`);
}

// What was chosen beside another picture, or another's pick, is chosen anew.
function settle(isReplaced, before) {
  const now = seen();
  // While ours is on its way, a pick under our name is ours.
  const isOurs = desk.busy && now?.by === document.body.dataset.who;
  const isOther = now !== null && now.at !== before?.at && !isOurs;
  if (isReplaced) viewer.close();
  if (isReplaced || isOther) select(0);
  else select(desk.selected);
  if (isReplaced && review.dataset.grid) say(`${review.dataset.grid} is here`);
  else if (isOther) say(`${now.by} has picked cell ${now.cell}`);
}

// Nothing is left to look at or to pick: the page says so, and no key does anything until it is there again.
function leave() {
  viewer.close();
  document.querySelector("dialog[open]")?.close();
  review.hidden = true;
  at("gone").hidden = false;
  at("gone").focus();
}

export function refresh() {
  again = running !== null;
  running ??= (async () => {
    try {
      do {
        again = false;
        const fresh = await page(location.pathname);
        if (review.hidden) return location.reload();
        take(fresh);
      } while (again);
    } catch (error) {
      if (!(error instanceof Refused)) return; // the connection is lost, which the page says
      if (error.status === 404) leave();
      else say(error.message, { bad: true });
    } finally {
      running = null;
    }
  })();
  return running;
}

watch({
  onGap: refresh,
  onChange: (changed) => {
    if (changed.project === project && (changed.gone || changed.names.includes(sequence))) refresh();
    else later ??= setTimeout(() => { later = null; refresh(); }, 2000); // how many wait
  },
});
