// What changes anywhere, as it changes. Who cares listens: onChange({project, names, gone}), onNow() when what runs or is spent is not
// as it was, and onGap() after a gap.

const CLOSED_MS = 5000; // a browser gives up where it is refused, as when too many pages are open
const QUIET_MS = 25000; // the console is heard every ten seconds: a line that is silent for longer is dead, whatever the browser thinks

function put(state, words) {
  const shown = document.getElementById("live");
  if (shown.dataset.state === state) return;
  shown.dataset.state = state;
  shown.textContent = words;
}

const lost = () => put("lost", "connection lost, trying again");

export function watch({ onChange, onGap, onNow }) {
  let greeted = false;
  let events = null;
  let heard = 0;
  const acts = {
    hello() {
      put("live", "live");
      if (greeted) onGap();
      onNow?.();
      greeted = true;
    },
    beat() {},
    changed: (data) => onChange(JSON.parse(data)),
    now: () => onNow?.(),
  };

  function open() {
    events?.close();
    heard = Date.now();
    const line = new EventSource("/events");
    events = line;
    for (const [event, act] of Object.entries(acts)) line.addEventListener(event, ({ data }) => { heard = Date.now(); act(data); });
    line.onerror = () => {
      lost();
      if (line.readyState === EventSource.CLOSED) setTimeout(() => events === line && open(), CLOSED_MS);
    };
  }

  function check() {
    if (!events || Date.now() - heard < QUIET_MS) return;
    lost();
    open();
  }

  open();
  setInterval(check, 5000);
  document.addEventListener("visibilitychange", check); // a laptop that wakes up
  window.addEventListener("online", () => events && open());
  window.addEventListener("offline", lost);
  window.addEventListener("pagehide", () => { events.close(); events = null; });
  // Shown again as it was left: everything may be new.
  window.addEventListener("pageshow", ({ persisted }) => persisted && open());
}
