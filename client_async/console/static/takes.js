// The list of takes to watch.
import { watch } from "./live.js";
import { renewStrip } from "./strip.js";

for (const choice of document.querySelectorAll(".choose select")) choice.addEventListener("change", () => choice.form.submit());
watch({ onGap: () => renewStrip(), onChange: () => renewStrip() });
