// What changes anywhere, as it changes. Who cares listens: onChange({project, names, gone}) and onGap() after a gap.

export function watch({ onChange, onGap }) {
  const shown = document.getElementById("live");
  let greeted = false;
  const events = new EventSource("/events");
  events.addEventListener("hello", () => {
    shown.dataset.state = "live";
    shown.textContent = "live";
    if (greeted) onGap();
    greeted = true;
  });
  events.addEventListener("changed", (event) => onChange(JSON.parse(event.data)));
  events.onerror = () => {
    shown.dataset.state = "lost";
    shown.textContent = "connection lost, trying again";
  };
  window.addEventListener("pagehide", () => events.close());
}
