// Tooltips: data-tip="words" shows them on hover and focus. With data-tip-bar only where the navigation is a bar of icons.

const bar = matchMedia("(min-width: 640px) and (max-width: 1023px)");
const GAP = 8;
let tip = null;

function hide() {
  tip?.remove();
  tip = null;
}

function show(element) {
  hide();
  if (!element || ("tipBar" in element.dataset && !bar.matches)) {
    return;
  }
  tip = document.createElement("div");
  tip.className = "tip";
  tip.textContent = element.dataset.tip;
  tip.setAttribute("aria-hidden", "true");
  // In front of a dialog only what is inside it is seen.
  (element.closest("dialog") ?? document.body).append(tip);
  const at = element.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const beside = "tipBar" in element.dataset;
  const rtl = document.dir === "rtl";
  let x = at.x + at.width / 2 - width / 2;
  let y = at.bottom + GAP + height < innerHeight ? at.bottom + GAP : at.top - height - GAP;
  if (beside) {
    x = rtl ? at.left - width - GAP : at.right + GAP;
    y = at.y + at.height / 2 - height / 2;
  }
  tip.style.left = `${Math.max(GAP, Math.min(x, innerWidth - width - GAP))}px`;
  tip.style.top = `${y}px`;
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "touch") {
    show(event.target.closest?.("[data-tip]"));
  }
});
document.addEventListener("focusin", (event) => {
  show(event.target.matches(":focus-visible") ? event.target.closest("[data-tip]") : null);
});
document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
document.addEventListener("pointerdown", hide);
addEventListener("scroll", hide, { passive: true, capture: true });
