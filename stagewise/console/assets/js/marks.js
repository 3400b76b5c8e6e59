// A box that marks all others of its form: <label data-mark-all="held" hidden><input type="checkbox"> …</label>.
import { each } from "./each.js";

each("[data-mark-all]", (all) => {
  all.hidden = false;
  all.addEventListener("change", ({ target }) => {
    for (const box of target.form.querySelectorAll(`input[name="${CSS.escape(all.dataset.markAll)}"]`)) {
      box.checked = target.checked;
    }
  });
});
