// The script of every page: htmx swaps parts, Alpine keeps small states, the rest is ours, one file for each concern.
import htmx from "htmx.org";
import Alpine from "@alpinejs/csp";

import "./page.js";

window.htmx = htmx;
window.Alpine = Alpine;

Alpine.start();
