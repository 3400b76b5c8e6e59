// What a screen reader should say of a change that others see.

const GONE_MS = 3000;
const region = document.getElementById("said");
let timer = 0;

/** Says the text once the screen reader has finished what it is saying. */
export function announce(text) {
  if (!region || !text) {
    return;
  }
  // The same text twice would be no change.
  region.textContent = "";
  clearTimeout(timer);
  timer = setTimeout(() => {
    region.textContent = text;
    // Nobody who wanders over the page finds it there later.
    timer = setTimeout(() => {
      region.textContent = "";
    }, GONE_MS);
  }, 60);
}
