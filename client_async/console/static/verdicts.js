// What clients have answered to the takes, the one that is watched first. Their words are text, whatever they look like.
const at = (id) => document.getElementById(id);
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

// A start frame's answers are of each take that was made from it.
const isOf = (take) => (verdict) => Boolean(take) && (verdict.take ? verdict.take === take.take : verdict.start_frame === take.keyframe);

function element(name, className, text) {
  const made = document.createElement(name);
  Object.assign(made, { className, textContent: text });
  return made;
}

function item(verdict) {
  const line = document.createElement("li");
  const date = new Date(verdict.at);
  const when = Number.isNaN(date.getTime()) ? verdict.at : day.format(date);
  line.classList.toggle("past", !verdict.holds);
  line.append(
    element("b", verdict.approved ? "yes" : "no", verdict.approved ? "Approved" : "Not approved"),
    element("span", "by", [verdict.of, verdict.by, when, verdict.holds ? "" : "answered again since"].filter(Boolean).join(" · ")),
  );
  if (verdict.text) line.append(element("p", "", verdict.text));
  return line;
}

export function showVerdicts({ verdicts }, take) {
  const mine = isOf(take);
  at("verdicts").replaceChildren(...verdicts.filter(mine).map(item), ...verdicts.filter((one) => !mine(one)).map(item));
  at("no-verdicts").hidden = verdicts.length > 0;
}

// In a word or two, of the answers that hold: for the list of takes.
export function inShort({ verdicts }, take) {
  const given = verdicts.filter((one) => one.holds && one.take === take.take);
  const yes = given.filter((one) => one.approved).length, no = given.length - yes;
  if (yes && no) return `${yes} approved, ${no} did not`;
  return yes ? "approved" : no ? "not approved" : "";
}
