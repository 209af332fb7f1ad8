// The takes to watch, brought up to date as they change.
import { page } from "./api.js";

let asking = false, again = false;

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
      const fresh = (await page(location.pathname + location.search)).querySelector("#strip");
      const old = document.getElementById("strip");
      if (!fresh || fresh.innerHTML === old.dataset.said) continue;
      const { scrollLeft } = old;
      const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      const said = fresh.innerHTML;
      old.replaceChildren(...fresh.childNodes);
      old.dataset.said = said;
      old.scrollLeft = scrollLeft;
      if (focused) [...old.querySelectorAll("a")].find((card) => card.getAttribute("href") === focused)?.focus();
    }
    then();
  } catch {
    // the connection is lost, which the page says; all is asked for anew when it is back
  } finally {
    asking = false;
  }
}
