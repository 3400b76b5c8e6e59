// What the console does beyond plain pages: copy a text, keep "3 minutes ago" true, mark a whole list, bring the
// navigation to where the page is, let a toast go after 10 seconds.
"use strict";

const STEPS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86400, 3600, "hour"],
  [30 * 86400, 86400, "day"],
  [365 * 86400, 30 * 86400, "month"],
  [Infinity, 365 * 86400, "year"],
];

function ago(moment, now) {
  const seconds = (now - moment) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) {
    return "just now";
  }
  const [, unit, name] = STEPS.find(([below]) => size < below);
  const count = Math.floor(size / unit);
  const words = `${count} ${name}${count === 1 ? "" : "s"}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function refreshTimes() {
  for (const time of document.querySelectorAll("time.when")) {
    time.textContent = ago(Date.parse(time.dateTime), Date.now());
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const text = source.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Without https (or permission) there is no clipboard: mark the text, so that one key copies it.
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "Now press Ctrl+C";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 3000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    copy(button);
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
}

// On a phone the navigation is wider than the screen: begin where the page is.
document.querySelector(".side nav a[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

for (const all of document.querySelectorAll("[data-mark-all]")) {
  all.hidden = false;
  all.addEventListener("change", ({ target }) => {
    for (const box of target.form.querySelectorAll('input[name="held"]')) {
      box.checked = target.checked;
    }
  });
}

for (const toast of document.querySelectorAll(".toasts li")) {
  let timer = setTimeout(() => toast.remove(), 10000);
  // Whoever is reading it, or on the way to Undo, is not hurried.
  const stay = () => clearTimeout(timer);
  const leave = () => {
    timer = setTimeout(() => toast.remove(), 10000);
  };
  toast.addEventListener("mouseenter", stay);
  toast.addEventListener("focusin", stay);
  toast.addEventListener("mouseleave", leave);
  toast.addEventListener("focusout", leave);
}

setInterval(refreshTimes, 30000);
