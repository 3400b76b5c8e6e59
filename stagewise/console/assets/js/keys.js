// Keys: data-key="n" on a link, button or field presses or focuses it, data-key="g l" after two keys in a row. The
// dialog that ? opens lists them, and switches them off for whom they are in the way.
import { each } from "./each.js";
import { t } from "./words.js";

const WAIT_MS = 1200;
const STORE = "stagewise.keys";
const bound = new Map();
const told = [];
let first = "";
let timer = 0;

const on = () => localStorage.getItem(STORE) !== "off";

/** Calls `act` when the key (`"j"`, `"g l"`) is pressed outside of fields; `words` say in the list what it does. */
export function bind(key, words, act) {
  bound.set(key, act);
  told.push([key, words]);
}

/** Lists keys that somebody else listens to: `describe("Shift+→", "Move the card")`. */
export function describe(key, words) {
  told.push([key, words]);
}

function typing(target) {
  return target.closest?.("input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable]");
}

function press(key) {
  const element = [...document.querySelectorAll("[data-key]")].find(
    (each) => each.dataset.key === key && each.checkVisibility(),
  );
  if (!element) {
    return false;
  }
  if (element.matches("input, textarea, select")) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
  return true;
}

function run(key, event) {
  const act = bound.get(key);
  const done = act ? (act(event), true) : press(key);
  if (done) {
    event.preventDefault();
  }
  return done;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented || !on()) {
    return;
  }
  if (event.key.length > 1 && !bound.has(event.key)) {
    return;
  }
  if (typing(event.target) || document.querySelector("dialog[open]")) {
    return;
  }
  clearTimeout(timer);
  const pair = `${first} ${event.key}`;
  const before = first;
  first = "";
  if (before && run(pair, event)) {
    return;
  }
  if (!run(event.key, event)) {
    first = event.key;
    timer = setTimeout(() => {
      first = "";
    }, WAIT_MS);
  }
});

function wordsOf(element) {
  const label = element.labels?.[0]?.textContent;
  return (element.dataset.keyWords || element.ariaLabel || label || element.textContent).trim().replaceAll(/\s+/g, " ");
}

function line(key, words) {
  const name = document.createElement("dt");
  for (const part of key.split(" ")) {
    const shown = document.createElement("kbd");
    shown.textContent = part;
    name.append(shown);
  }
  const what = document.createElement("dd");
  what.textContent = words;
  return [name, what];
}

function fill(list) {
  const declared = [...document.querySelectorAll("[data-key]")]
    .filter((element) => element.checkVisibility())
    .map((element) => [element.dataset.key, wordsOf(element)]);
  const all = new Map([...told, ...declared]);
  list.replaceChildren(...[...all].flatMap(([key, words]) => line(key, words)));
}

// The list is filled each time that it is opened: what is on the page may have changed.
each("dialog [data-keys]", (list) => {
  const dialog = list.closest("dialog");
  new MutationObserver(() => dialog.open && fill(list)).observe(dialog, { attributeFilter: ["open"] });
});
each("[data-keys-switch]", (box) => {
  box.checked = on();
  box.addEventListener("change", () => localStorage.setItem(STORE, box.checked ? "on" : "off"));
});

const help = document.getElementById("keys");
if (help) {
  bind("?", t("show_keys"), () => help.showModal());
}
