// The script of every page: htmx swaps parts, Alpine keeps small states, the rest is ours, one file for each concern.
import htmx from "htmx.org";
import Alpine from "@alpinejs/csp";

import "./api.js";
import "./copy.js";
import "./dialogs.js";
import "./exports.js";
import "./keys.js";
import "./leads.js";
import "./logs.js";
import "./marks.js";
import "./menus.js";
import "./network.js";
import "./passkeys.js";
import "./swaps.js";
import "./theme.js";
import "./times.js";
import "./tips.js";
import "./toasts.js";
import "./zones.js";

window.htmx = htmx;
window.Alpine = Alpine;

Alpine.start();
