// <details class="drop"> as a menu: one at a time, closed by Escape, by a click elsewhere, and when the focus leaves.

const OPEN = "details.drop[open]";

/** Between a menu and the edge of the screen, in pixels. */
const GAP_PX = 8;

function items(menu) {
  return [...menu.querySelectorAll("a, button")].filter((each) => each.checkVisibility());
}

/** Keeps an open menu on the screen, wherever its button stands. */
function fit({ target }) {
  const menu = target.matches?.(OPEN) && target.querySelector(".menu");
  if (!menu) {
    return;
  }
  menu.style.translate = "";
  const { left, right } = menu.getBoundingClientRect();
  const width = document.documentElement.clientWidth;
  const by = Math.min(0, width - GAP_PX - right) || Math.max(0, GAP_PX - left);
  menu.style.translate = by ? `${by}px 0` : "";
}

// A toggle does not bubble.
document.addEventListener("toggle", fit, { capture: true });

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(OPEN)) {
    if (!menu.contains(event.target)) {
      menu.open = false;
    }
  }
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.(OPEN);
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) {
    menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.drop");
  if (!menu) {
    return;
  }
  const onSummary = event.target.matches("summary");
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  } else if (event.key === "ArrowDown" && onSummary) {
    menu.open = true;
    items(menu)[0]?.focus();
    event.preventDefault();
  } else if (["ArrowDown", "ArrowUp"].includes(event.key) && menu.open && event.target.matches("a, button")) {
    const all = items(menu);
    const next = all.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
    (all[next] ?? menu.querySelector("summary")).focus();
    event.preventDefault();
  }
});
