// Swaps keep the focus, are said aloud, and never end in silence: what did not work stands in a toast.
import { announce } from "./announce.js";
import { say } from "./toasts.js";
import { t } from "./words.js";

let held = null;

function remember() {
  const { activeElement: active } = document;
  if (active && active !== document.body) {
    held = { element: active, id: active.id, name: active.name, start: active.selectionStart, end: active.selectionEnd };
  }
}

function find(target) {
  return (
    (held.id && document.getElementById(held.id)) ||
    (held.name && target?.querySelector(`[name="${CSS.escape(held.name)}"]`)) ||
    target?.querySelector("[data-focus]") ||
    target
  );
}

/** Brings the focus back to where it was, or to what is nearest to that. */
function restore(target) {
  if (!held || held.element.isConnected) {
    held = null;
    return;
  }
  const found = document.activeElement === document.body ? find(target) : null;
  if (found) {
    if (!found.matches("a[href], button, input, select, textarea, summary, [tabindex]")) {
      found.tabIndex = -1;
    }
    found.focus({ preventScroll: true });
    if (typeof held.start === "number" && "setSelectionRange" in found) {
      found.setSelectionRange(held.start, held.end);
    }
  }
  held = null;
}

/** Whether the answer holds what was asked for; a whole page where a part was expected does not. */
function fits(ctx, page) {
  if (ctx.select) {
    return page.querySelector(ctx.select) !== null;
  }
  return !/^\s*<!doctype/i.test(ctx.text) || ctx.target === document.body;
}

function tell(ctx, page) {
  if (page.querySelector("[data-login]")) {
    say(t("logged_out"), { bad: true, link: { words: t("log_in"), href: location.href } });
    return;
  }
  const words = [...page.querySelectorAll("main h1, main h1 ~ p:not(.small, :has(a))")];
  const text = words.map((each) => each.textContent.trim().replaceAll(/\s+/g, " ")).join(". ");
  say(text || t("no_answer"), { bad: true });
}

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  const raw = ctx?.response?.raw;
  if (raw && (raw.status >= 400 || raw.redirected)) {
    const page = new DOMParser().parseFromString(ctx.text, "text/html");
    if (!fits(ctx, page)) {
      event.preventDefault();
      tell(ctx, page);
      return;
    }
  }
  remember();
});

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const target = typeof ctx?.target === "string" ? document.querySelector(ctx.target) : ctx?.target;
  const now = target?.isConnected ? target : target?.id ? document.getElementById(target.id) : null;
  restore(now);
  const said = now?.matches("[data-announce]") ? now : now?.querySelector("[data-announce]");
  announce(said?.textContent.trim().replaceAll(/\s+/g, " "));
});

document.addEventListener("htmx:error", ({ detail }) => {
  if (detail.ctx) {
    say(t(detail.ctx.response ? "no_answer" : "no_connection"), { bad: true });
  }
});
