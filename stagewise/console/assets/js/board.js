// The board: cards are dragged, or moved by keys. Every move is the form below the board, sent like any other, so that
// the server's answer is what stands here afterwards: whoever moved a card first, everybody sees it.
import Sortable from "sortablejs";

import { each } from "./each.js";

const AGAIN_MS = 20000;

const forwards = () => (document.dir === "rtl" ? "ArrowLeft" : "ArrowRight");
const isCard = (element) => element?.closest?.(".lead-card");
const board = () => document.getElementById("board");
let busy = false;
// A card is in somebody's hand, or somebody is asked why: the board must not change under it. What was answered
// meanwhile is asked for again afterwards.
let held = false;
let late = false;

document.addEventListener("htmx:before:swap", ({ detail: { tasks } }) => {
  const place = held ? tasks.findIndex((task) => task.type === "main" && task.target === board()) : -1;
  if (place >= 0) {
    tasks.splice(place, 1);
    late = true;
  }
});

function release() {
  held = false;
  if (late) {
    late = false;
    ask("GET", board().dataset.board);
  }
}

function fields(values) {
  const form = document.getElementById("board-move");
  for (const [name, value] of Object.entries(values)) {
    form.elements[name].value = value;
  }
  return Object.fromEntries(new FormData(form));
}

async function ask(method, url, values) {
  busy = true;
  try {
    await window.htmx.ajax(method, url, { target: "#board", select: "#board", swap: "outerMorph", values });
  } finally {
    busy = false;
  }
}

async function send(card, column, seen, reason = "") {
  const lead = card.dataset.lead;
  const url = document.getElementById("board-move").getAttribute("action");
  await ask("POST", url, fields({ lead, stage: column.dataset.stage, seen, reason }));
  document.querySelector(`#card-${CSS.escape(lead)} .title`)?.focus();
}

/** Moves the card, after asking why if it is won or lost there; left where it was, it goes back before `next`. */
function move(card, from, column, next = card.nextElementSibling) {
  if (column.dataset.kind === "open") {
    held = late = false;
    send(card, column, from.dataset.stage);
    return;
  }
  const dialog = document.getElementById("board-why");
  const reason = document.getElementById("board-reason");
  document.getElementById("board-why-title").textContent = column.dataset.name;
  reason.value = "";
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue === "move") {
        held = late = false;
        send(card, column, from.dataset.stage, reason.value);
      } else {
        from.insertBefore(card, next);
        release();
      }
    },
    { once: true },
  );
  held = true;
  dialog.showModal();
}

each("[data-works] .cards", (column) => {
  let next = null;
  Sortable.create(column, {
    group: { name: "board", put: column.dataset.archived === undefined },
    draggable: ".lead-card",
    filter: ".drop",
    preventOnFilter: false,
    sort: false,
    animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
    delay: 150,
    delayOnTouchOnly: true,
    onStart: ({ item }) => {
      held = true;
      next = item.nextElementSibling;
    },
    onEnd: ({ item, from, to }) => {
      if (from === to) {
        release();
        return;
      }
      move(item, from, to, next);
    },
  });
});

/** The card above or below, or the nearest one in the next column that has any. */
function neighbour(card, key) {
  const cards = [...card.parentElement.querySelectorAll(".lead-card")];
  const place = cards.indexOf(card);
  if (key === "ArrowUp" || key === "ArrowDown") {
    return cards[place + (key === "ArrowDown" ? 1 : -1)];
  }
  let column = card.parentElement;
  do {
    column = beside(column, key);
  } while (column && !column.querySelector(".lead-card"));
  const there = column ? [...column.querySelectorAll(".lead-card")] : [];
  return there[Math.min(place, there.length - 1)];
}

function beside(column, key) {
  const columns = [...document.querySelectorAll("#board .cards")];
  return columns[columns.indexOf(column) + (key === forwards() ? 1 : -1)];
}

document.addEventListener("keydown", (event) => {
  const card = isCard(event.target);
  const arrow = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(event.key);
  if (!card || !arrow || event.altKey || event.ctrlKey || event.metaKey || event.target.closest(".drop[open]")) {
    return;
  }
  if (event.shiftKey) {
    const column = beside(card.parentElement, event.key);
    if (board().dataset.works !== undefined && column && column.dataset.archived === undefined && !busy) {
      event.preventDefault();
      move(card, card.parentElement, column);
    }
    return;
  }
  event.preventDefault();
  neighbour(card, event.key)?.querySelector(".title").focus();
});

// What others did meanwhile, while nobody here is in the middle of something.
setInterval(() => {
  const open = document.querySelector(".drop[open], dialog[open]");
  if (!document.hidden && !busy && !held && !open && !isCard(document.activeElement) && board()) {
    ask("GET", board().dataset.board);
  }
}, AGAIN_MS);
