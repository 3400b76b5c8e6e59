// The page of one lead: names are completed after an @, and Ctrl+Enter sends what one is typing.
import { announce } from "./announce.js";
import { each } from "./each.js";
import { t } from "./words.js";

const MOST = 8;
let numbered = 0;

/** What is being typed after the last @ before the cursor; null where that is no mention. */
function query(field) {
  const before = field.value.slice(0, field.selectionStart);
  const found = /(?:^|[^\p{L}\p{N}._+-])@([^\n@]{0,60})$/u.exec(before);
  return field.selectionStart === field.selectionEnd && found ? found[1] : null;
}

function people(field) {
  const items = document.querySelectorAll(`#${CSS.escape(field.dataset.mentions)} > li`);
  return [...items].map(({ dataset }) => ({ name: dataset.name, email: dataset.email }));
}

/** Who fits, those whose name begins with it first; nobody once it can be no name any more. */
function fitting(field, typed) {
  const wanted = typed.toLowerCase();
  const begins = (text) => text.toLowerCase().startsWith(wanted);
  const words = ({ name }) => name.toLowerCase().split(/\s+/).some((word) => word.startsWith(wanted));
  const all = people(field).filter((person) => begins(person.name) || begins(person.email) || words(person));
  return all.sort((a, b) => Number(begins(b.name)) - Number(begins(a.name))).slice(0, MOST);
}

class Completion {
  constructor(field) {
    this.field = field;
    this.list = document.createElement("ul");
    this.list.id = `names-${++numbered}`;
    this.list.role = "listbox";
    this.list.ariaLabel = t("mention_whom");
    this.list.hidden = true;
    this.found = [];
    this.chosen = 0;
    field.after(this.list);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    field.addEventListener("input", () => this.look());
    field.addEventListener("click", () => this.look());
    field.addEventListener("blur", () => this.close());
    field.addEventListener("keydown", (event) => this.press(event));
    // Before the field loses the focus.
    this.list.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[role='option']");
      event.preventDefault();
      if (option) {
        this.take(Number(option.dataset.place));
      }
    });
  }

  look() {
    const typed = query(this.field);
    this.typed = typed;
    this.found = typed === null ? [] : fitting(this.field, typed);
    this.chosen = 0;
    const was = this.list.hidden;
    this.list.hidden = this.found.length === 0;
    this.list.replaceChildren(...this.found.map((person, place) => this.option(person, place)));
    this.mark();
    if (was && !this.list.hidden) {
      announce(t("mention_found", { count: this.found.length }));
    }
  }

  option({ name, email }, place) {
    const option = document.createElement("li");
    option.role = "option";
    option.id = `${this.list.id}-${place}`;
    option.dataset.place = place;
    const shown = document.createElement("bdi");
    shown.textContent = name;
    option.append(shown);
    if (email !== name) {
      const address = document.createElement("span");
      address.className = "quiet small";
      address.textContent = email;
      option.append(address);
    }
    return option;
  }

  mark() {
    [...this.list.children].forEach((option, place) => {
      option.ariaSelected = String(place === this.chosen);
    });
    const active = this.list.children[this.chosen];
    if (active) {
      this.field.setAttribute("aria-activedescendant", active.id);
      active.scrollIntoView({ block: "nearest" });
    } else {
      this.field.removeAttribute("aria-activedescendant");
    }
  }

  press(event) {
    if (this.list.hidden || event.isComposing) {
      return;
    }
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      const step = key === "ArrowDown" ? 1 : -1;
      this.chosen = (this.chosen + step + this.found.length) % this.found.length;
      this.mark();
    } else if ((key === "Enter" && !event.ctrlKey && !event.metaKey) || key === "Tab") {
      this.take(this.chosen);
    } else if (key === "Escape") {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  take(place) {
    const { name, email } = this.found[place];
    // Two people of one name are told apart by their address.
    const alone = people(this.field).filter((person) => person.name === name).length === 1;
    const end = this.field.selectionStart;
    this.field.setRangeText(`${alone ? name : email} `, end - this.typed.length, end, "end");
    this.close();
    this.field.focus();
  }

  close() {
    this.found = [];
    this.list.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }
}

each("textarea[data-mentions]", (field) => new Completion(field));

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("#lead textarea")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
