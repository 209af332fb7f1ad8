// What changes anywhere, as it changes. Who cares listens: onChange({project, names, gone}), onNow() when what runs or is spent is not
// as it was, and onGap() after a gap.

const CLOSED_MS = 5000; // a browser gives up where it is refused, as when too many pages are open

export function watch({ onChange, onGap, onNow }) {
  const shown = document.getElementById("live");
  let greeted = false;
  let events;
  function open() {
    events = new EventSource("/events");
    events.addEventListener("hello", () => {
      shown.dataset.state = "live";
      shown.textContent = "live";
      if (greeted) onGap();
      onNow?.();
      greeted = true;
    });
    events.addEventListener("changed", (event) => onChange(JSON.parse(event.data)));
    events.addEventListener("now", () => onNow?.());
    events.onerror = () => {
      shown.dataset.state = "lost";
      shown.textContent = "connection lost, trying again";
      if (events.readyState === EventSource.CLOSED) setTimeout(open, CLOSED_MS);
    };
  }
  open();
  window.addEventListener("pagehide", () => events.close());
}
