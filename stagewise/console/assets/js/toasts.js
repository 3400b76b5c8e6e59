// Short messages at the bottom. They go after ten seconds, but hurry nobody who reads them or is on the way to Undo.
import { each } from "./each.js";
import { t } from "./words.js";

const STAY_MS = 10000;
const SPEAK_MS = 200;

/** Shows a message; `bad` for what did not work, `link` ({words, href}) for the way on. */
export function say(text, { bad = false, link = null } = {}) {
  // What is said again takes the place of what was said before.
  for (const shown of document.querySelectorAll("#toasts > li")) {
    if (shown.querySelector("span").textContent === text) {
      shown.remove();
    }
  }
  const toast = document.createElement("li");
  toast.classList.toggle("bad", bad);
  const words = document.createElement("span");
  words.textContent = text;
  toast.append(words);
  if (link) {
    const way = document.createElement("a");
    way.className = "button slim";
    way.href = link.href;
    way.textContent = link.words;
    toast.append(way);
  }
  document.getElementById("toasts")?.append(toast);
}

function close(toast) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "square slim";
  button.setAttribute("aria-label", t("close"));
  button.textContent = "×";
  button.addEventListener("click", () => toast.remove());
  return button;
}

each(".toasts li", (toast) => {
  toast.append(close(toast));
  // Looked at when its time is over, not remembered from events: what is moved below the mouse (as it is further down)
  // may never hear that the mouse has left.
  const isRead = () => toast.matches(":hover, :focus-within");
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (isRead() ? later() : toast.remove()), STAY_MS);
  };
  later();
  toast.addEventListener("mouseleave", later);
  toast.addEventListener("focusout", later);
});

// The list is a live region: a screen reader reads what is added to it. What came with the page is added once more.
setTimeout(() => {
  const list = document.getElementById("toasts");
  list?.append(...list.children);
}, SPEAK_MS);
