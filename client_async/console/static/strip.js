// The takes to watch, brought up to date as they change.
import { page } from "./api.js";
import { focusIn } from "./focus.js";
import { isBack, isGone } from "./gone.js";

let asking = false, again = false;

// The projects that can be chosen, where that is.
function renewChoice(whole) {
  const [old, fresh] = [document, whole].map((one) => one.querySelector(".choose [name=project]"));
  if (!old || old === document.activeElement || old.innerHTML === fresh.innerHTML) return;
  old.replaceChildren(...fresh.childNodes);
}

export async function renewStrip(then = () => {}) {
  again = true;
  if (asking) return;
  asking = true;
  let wait = 0;
  try {
    while (again) {
      again = false;
      await new Promise((go) => { setTimeout(go, wait); }); // a busy project changes many times a second
      wait = 500;
      const whole = await page(location.pathname + location.search), fresh = whole.querySelector("#strip");
      isBack();
      renewChoice(whole);
      const old = document.getElementById("strip");
      if (!fresh || fresh.innerHTML === old.dataset.said) continue;
      const { scrollLeft } = old;
      const back = focusIn(old);
      const said = fresh.innerHTML;
      old.replaceChildren(...fresh.childNodes);
      old.dataset.said = said;
      old.scrollLeft = scrollLeft;
      back(old);
    }
    then();
  } catch (refused) {
    // Else the connection is lost, which the page says; all is asked for anew when it is back.
    if (!isGone(refused)) return;
    const strip = document.getElementById("strip");
    strip.replaceChildren();
    strip.dataset.said = "";
  } finally {
    asking = false;
  }
}
