// Integration → Stagewise API: calls appear as they come, and whoever types sees what saving would change.
import htmx from "htmx.org";

import { each } from "./each.js";

const EVERY_MS = 3000;
const MOST = 20;

/** Keeps each call once, the newest first, and no more than fit. */
function tidy(rows) {
  const known = new Set();
  for (const row of [...rows.children]) {
    if (known.has(row.id) || known.size >= MOST) {
      row.remove();
    }
    known.add(row.id);
  }
  document.getElementById("tail-empty").hidden = known.size > 0;
}

each("[data-live]", (tail) => {
  const pause = document.getElementById("tail-pause");
  const state = document.getElementById("tail-state");
  let busy = false;
  let paused = false;

  function show() {
    state.hidden = paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? pause.dataset.wordsOff : pause.dataset.wordsOn;
  }

  async function look() {
    if (!tail.isConnected) {
      clearInterval(timer);
      return;
    }
    if (busy || paused || document.hidden || !navigator.onLine) {
      return;
    }
    busy = true;
    const { after } = document.getElementById("tail-cursor").dataset;
    try {
      await htmx.ajax("GET", `${tail.dataset.live}?after=${after}`, { source: tail, target: tail, swap: "none" });
    } finally {
      busy = false;
    }
  }

  tail.addEventListener("seen", look);
  tail.addEventListener("htmx:after:swap", () => tidy(document.getElementById("tail-rows")));
  // The console may be starting again: the next look says more than a message would.
  tail.addEventListener("htmx:error", (event) => event.stopPropagation());
  // Logged out, or the endpoint is gone: one message is enough.
  tail.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    const raw = ctx?.response?.raw;
    if (raw && (raw.redirected || raw.status >= 400)) {
      paused = true;
      show();
    }
  });
  pause.addEventListener("click", () => {
    paused = !paused;
    show();
    look();
  });
  pause.hidden = false;
  show();
  const timer = setInterval(look, EVERY_MS);
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    document.querySelectorAll("[data-live]").forEach((tail) => tail.dispatchEvent(new Event("seen")));
  }
});

let leaving = false;

each("#rules", (form) => {
  form.addEventListener("input", ({ target }) => {
    if (target.name && !target.name.startsWith("explain_")) {
      form.dataset.typed = "";
      htmx.trigger(form, "typed");
    }
  });
  form.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx?.select === "#rules-cards") {
      form.dataset.typed = "";
    }
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.id !== "rules-enter") {
      leaving = true;
      return;
    }
    // Enter in a field: it asks, and does not save.
    event.preventDefault();
    const explains = document.activeElement?.name?.startsWith("explain_");
    document.getElementById(explains ? "explain-saved" : "ask-changes").click();
  });
});

// Typed settings are not lost by a click on something else: the browser asks.
addEventListener("beforeunload", (event) => {
  if (!leaving && document.querySelector("#rules[data-typed]")) {
    event.preventDefault();
  }
});
addEventListener("pageshow", () => {
  leaving = false;
});
