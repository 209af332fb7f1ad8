// A page that shows what was asked for and does not change by itself: the line at the top says whether the console can be reached.
import { watch } from "./live.js";

watch({ onChange() {}, onGap() {} });
