// Asking and telling the console. Every write carries a header that no other site's page can send.

export class Refused extends Error {
  constructor(status, answer) {
    super(answer.detail?.what ?? answer.detail ?? `the console answered ${status}`);
    this.status = status;
    this.remedy = answer.detail?.remedy ?? "";
    this.now = answer.detail?.now ?? null;
  }
}

export async function tell(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { "content-type": "application/json", "x-starsend": "1" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  let said;
  try { said = text ? JSON.parse(text) : {}; } catch { said = { detail: text.trim() }; }
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

export async function page(path) {
  const answer = await fetch(path, { headers: { accept: "text/html" } });
  const text = await answer.text();
  if (!answer.ok) throw new Refused(answer.status, { detail: text });
  if (answer.redirected && new URL(answer.url).pathname === "/login") throw new Refused(401, { detail: "your session has ended: log in again" });
  const holder = document.createElement("template");
  holder.innerHTML = text;
  return holder.content;
}

// An error's words begin small, as they stand after a place ("SEQ01: ..."); by themselves they are a sentence.
export const sentence = (words) => (words ? `${words[0].toUpperCase()}${words.slice(1)}.` : "");

// One line for people, read aloud too; gone after a while, unless it is an error.
export function say(line, { bad = false } = {}) {
  const place = document.getElementById("said");
  for (const same of [...place.children].filter((one) => one.textContent === line)) same.remove();
  const shown = document.createElement("p");
  // What is said again is said once, and three lines are as many as anybody reads.
  [...place.children].forEach((old, at, all) => { if (old.textContent === line || at < all.length - 2) old.remove(); });
  shown.textContent = line;
  shown.classList.toggle("bad", bad);
  place.append(shown);
  setTimeout(() => shown.remove(), bad ? 9000 : 4000);
}

// For whoever listens, not for the eye: the page shows it elsewhere.
export const read = (line) => { document.getElementById("heard").textContent = line; };
