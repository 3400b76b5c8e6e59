// Lists whose order is changed by dragging at the grip. Each line says where its new place is posted to; without
// script, and by keyboard, the buttons up and down do the same.
import Sortable from "sortablejs";

import { each } from "./each.js";

each("[data-order] .grip", (grip) => {
  grip.hidden = false;
});

each("[data-order]", (list) => {
  Sortable.create(list, {
    draggable: "[data-move]",
    handle: ".grip",
    animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
    onEnd: ({ item, oldDraggableIndex, newDraggableIndex }) => {
      if (oldDraggableIndex !== newDraggableIndex) {
        window.htmx.ajax("POST", item.dataset.move, {
          target: "main",
          select: "main",
          swap: "outerMorph",
          values: { to: newDraggableIndex },
        });
      }
    },
  });
});
