// A page of one project, when that project is not there any more: it says so, and goes on by itself when it is back.

const place = () => document.getElementById("gone");

// Whether that was why the console refused; then the page says so.
export function isGone(refused) {
  const gone = refused?.status === 404;
  if (gone) place().hidden = false;
  return gone;
}

export function isBack() {
  place().hidden = true;
}
