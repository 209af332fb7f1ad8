// Links and handouts: made here, withdrawn here; what comes back shows by itself.
import { page, say, tell } from "./api.js";
import { isBack, isGone } from "./gone.js";
import { watch } from "./live.js";

const SURE_MS = 8000; // for a second thought
const form = document.getElementById("make");
const made = document.getElementById("made");
const project = form?.dataset.project;

async function refresh() {
  try {
    const fresh = (await page(`/links?project=${encodeURIComponent(project)}`)).querySelector("#standing");
    isBack();
    if (fresh) document.getElementById("standing").replaceChildren(...fresh.childNodes);
  } catch (refused) {
    // Else the connection is lost, which the page says.
    if (isGone(refused)) document.getElementById("standing").replaceChildren();
  }
}

function told(refused) {
  const remedy = refused.remedy;
  say(remedy ? `${refused.message}: ${remedy}` : refused.message, { bad: true });
}

async function makeLink(asked) {
  const link = await tell("POST", "/api/links", { ...asked, days: Number(form.elements.days.value) });
  document.getElementById("url").value = link.url;
  const until = new Date(link.expires_at).toLocaleString([], { dateStyle: "long", timeStyle: "short" });
  made.querySelector("[data-until]").textContent = `${link.shows} ${link.shows === 1 ? "entry" : "entries"}, open until ${until}. Whoever has the link can watch and answer.`;
  made.hidden = false;
  document.getElementById("url").focus();
  document.getElementById("url").select();
}

async function makeHandout(asked) {
  say("Making the handout");
  const handout = await tell("POST", "/api/handouts", { ...asked, pdf: form.elements.pdf.checked, paper: form.elements.paper.value });
  say(`The handout is in ${handout.folder}`);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const chosen = [...form.querySelectorAll("[name=chosen]:checked")].map((box) => box.value);
  if (!chosen.length) return say("Choose at least one sequence", { bad: true });
  const asked = { project, chosen, title: form.elements.title.value };
  const buttons = [...form.querySelectorAll("[data-does]")];
  for (const button of buttons) button.disabled = true;
  try {
    await (event.submitter?.dataset.does === "handout" ? makeHandout(asked) : makeLink(asked));
    await refresh();
  } catch (refused) {
    told(refused);
  } finally {
    for (const button of buttons) button.disabled = false;
    if (document.activeElement === document.body) event.submitter?.focus(); // a disabled button lets go of it
  }
});

document.addEventListener("click", async (event) => {
  const { target } = event;
  if (target.matches("[data-all], [data-none]")) {
    for (const box of form.querySelectorAll("[name=chosen]")) box.checked = target.matches("[data-all]") && !("other" in box.dataset);
  } else if (target.id === "copy") {
    const url = document.getElementById("url");
    url.select();
    try { await navigator.clipboard.writeText(url.value); } catch { document.execCommand("copy"); }
    say("Copied");
  } else if (target.closest("[data-withdraw]")) {
    const button = target.closest("[data-withdraw]");
    if (button.dataset.sure === undefined) {  // a client may be looking at it: asked twice
      button.dataset.sure = "";
      button.textContent = "Withdraw for good?";
      setTimeout(refresh, SURE_MS); // meanwhile nothing else that comes is shown
      return;
    }
    try {
      await tell("DELETE", `/api/links/${encodeURIComponent(button.dataset.withdraw)}?project=${encodeURIComponent(project)}`);
      say("The link opens nothing any more");
      await refresh();
    } catch (refused) {
      told(refused);
    }
  }
});

document.querySelector("[data-go]")?.addEventListener("change", (event) => event.target.form.submit());
watch({
  onGap: () => project && refresh(),
  onChange: (changed) => { if (changed.project === project && !document.querySelector("[data-sure]")) refresh(); },
});
