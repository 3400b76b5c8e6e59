// The theme switch changes the page as it is: nothing that was typed is lost.
import { say } from "./toasts.js";
import { t } from "./words.js";

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.theme");
  const chosen = event.submitter;
  if (!form || !chosen) {
    return;
  }
  event.preventDefault();
  const body = new FormData(form, chosen);
  const { theme } = document.documentElement.dataset;
  const show = (value) => {
    document.documentElement.dataset.theme = value;
    for (const button of form.querySelectorAll("button[name=theme]")) {
      button.setAttribute("aria-pressed", String(button.value === value));
    }
  };
  show(chosen.value);
  try {
    // Where it leads does not matter: this page stays. Who leaves it meanwhile is kept in mind all the same.
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
    if (answer.type !== "opaqueredirect") {
      throw new Error(String(answer.status));
    }
  } catch {
    show(theme);
    say(t("no_connection"), { bad: true });
  }
});
