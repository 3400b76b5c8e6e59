// Buttons that copy the text of the element that they name: <button data-copy="url" hidden>.
import { announce } from "./announce.js";
import { each } from "./each.js";
import { t } from "./words.js";

const BACK_MS = 3000;

function say(button, words) {
  const place = button.querySelector(".word") ?? button;
  button.dataset.before ??= place.textContent;
  place.textContent = words;
  announce(words);
  clearTimeout(button.back);
  button.back = setTimeout(() => {
    place.textContent = button.dataset.before;
  }, BACK_MS);
}

function mark(source) {
  if ("select" in source) {
    source.select();
    return;
  }
  const range = document.createRange();
  range.selectNodeContents(source);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
    say(button, t("copied"));
  } catch {
    // Without https (or permission) there is no clipboard: mark the text, so that one key copies it.
    mark(source);
    say(button, t("press_to_copy"));
  }
}

each("[data-copy]", (button) => {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
});
