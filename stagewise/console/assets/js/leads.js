// The list of leads: keys that walk through it, marks, a swipe to the next stage, and the search field that follows.
import { each } from "./each.js";
import { bind, describe } from "./keys.js";
import { t } from "./words.js";

/** So far a row is drawn aside before it lets go of its stage, in pixels. */
const SWIPE_PX = 96;

const rows = () => [...document.querySelectorAll("[data-row]")];
const current = () => document.activeElement?.closest("[data-row]");

function go(by) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  next?.querySelector(".title").focus();
  next?.scrollIntoView({ block: "nearest" });
}

if (document.querySelector("[data-leads]")) {
  bind("j", t("next_lead"), () => go(1));
  bind("k", t("lead_before"), () => go(-1));
  bind("x", t("mark_lead"), () => current()?.querySelector('[name="lead"]')?.click());
  bind("e", t("next_stage"), () => current()?.querySelector("[data-next]")?.click());
  describe("↵", t("open_lead"));
}

// Marks

const boxes = (form) => [...form.querySelectorAll('[name="lead"]')];

function count(form) {
  const all = boxes(form);
  const marked = all.filter((box) => box.checked).length;
  const page = form.querySelector("[data-mark-page]");
  page.checked = marked > 0 && marked === all.length;
  page.indeterminate = marked > 0 && marked < all.length;
  form.querySelector("[data-picked-count]").textContent = t("marked", { count: marked });
  const matching = form.querySelector("[data-mark-matching]");
  if (matching) {
    matching.hidden = marked < all.length;
    if (matching.hidden) {
      matching.querySelector("input").checked = false;
    }
  }
}

/** Shows what is of use only with a script: the page comes with it hidden, also when a swap brings it again. */
function unfold(form) {
  form.querySelector("[data-mark-page]").hidden = false;
  form.querySelector("[data-unmark]").hidden = false;
}

function mark(form, checked) {
  for (const box of boxes(form)) {
    box.checked = checked;
  }
  count(form);
}

each("[data-marks]:has([data-mark-page])", (form) => {
  let last = null;
  unfold(form);
  form.addEventListener("click", ({ target, shiftKey }) => {
    if (target.matches("[data-unmark]")) {
      mark(form, false);
    }
    if (target.matches('[name="lead"]')) {
      const all = boxes(form);
      if (shiftKey && last && all.includes(last)) {
        const [from, to] = [all.indexOf(last), all.indexOf(target)].sort((a, b) => a - b);
        for (const box of all.slice(from, to + 1)) {
          box.checked = target.checked;
        }
      }
      last = target;
    }
  });
  form.addEventListener("change", ({ target }) => {
    if (target.matches("[data-mark-page]")) {
      mark(form, target.checked);
    } else {
      count(form);
    }
  });
});

// What is exported: the leads that are marked, else all that match.
document.addEventListener("click", ({ target }) => {
  const link = target.closest?.("a[data-export]");
  if (!link) {
    return;
  }
  const url = new URL(link.href);
  const form = link.closest("[data-marks]");
  const marked = form ? boxes(form).filter((box) => box.checked) : [];
  const query = new URLSearchParams(location.search);
  query.delete("before");
  if (marked.length > 0 && !form.querySelector('[name="all"]')?.checked) {
    url.search = new URLSearchParams(marked.map((box) => ["lead", box.value])).toString();
  } else {
    url.search = query.toString();
  }
  link.href = url.href;
});

// A row that is drawn aside goes to its next stage, as its button does.

let drawn = null;

function settle(row) {
  row.classList.add("back");
  row.style.translate = "";
  row.classList.remove("drawn");
  row.addEventListener("transitionend", () => row.classList.remove("back"), { once: true });
}

document.addEventListener(
  "touchstart",
  ({ target, touches }) => {
    const row = target.closest?.("[data-row]:has([data-next])");
    drawn = row && touches.length === 1 ? { row, x: touches[0].clientX, y: touches[0].clientY, by: 0 } : null;
  },
  { passive: true },
);

document.addEventListener(
  "touchmove",
  ({ touches }) => {
    if (!drawn) {
      return;
    }
    const towards = getComputedStyle(drawn.row).direction === "rtl" ? 1 : -1;
    const by = (touches[0].clientX - drawn.x) * towards;
    if (!drawn.by && Math.abs(touches[0].clientY - drawn.y) > Math.abs(by)) {
      drawn = null;
      return;
    }
    drawn.by = Math.max(0, Math.min(by, SWIPE_PX * 1.5));
    drawn.row.classList.toggle("drawn", drawn.by > 8);
    drawn.row.style.translate = `${drawn.by * towards}px 0`;
  },
  { passive: true },
);

document.addEventListener("touchend", () => {
  if (!drawn) {
    return;
  }
  const { row, by } = drawn;
  drawn = null;
  if (by >= SWIPE_PX) {
    row.querySelector("[data-next]").click();
  }
  if (by > 0) {
    settle(row);
  }
});
document.addEventListener("touchcancel", () => {
  if (drawn) {
    settle(drawn.row);
    drawn = null;
  }
});

// After a swap: another list, no marks; and the field shows what is looked for, unless somebody is typing there.
document.addEventListener("htmx:after:swap", () => {
  const list = document.querySelector("[data-leads]");
  const field = document.getElementById("q");
  if (!list || !field) {
    return;
  }
  const form = list.querySelector("[data-marks]:has([data-mark-page])");
  if (form) {
    unfold(form);
    mark(form, false);
  }
  if (document.activeElement !== field) {
    field.value = list.dataset.asked;
  }
});
