// On the way to the first lead: whoever has copied the URL sees that step ticked, also after the page was looked at anew.
import { each } from "./each.js";

const KEY = "stagewise-copied";

function tick(step) {
  step.classList.add("done");
  const title = step.querySelector(".state");
  title?.classList.remove("off");
  title?.classList.add("good");
}

function copied(step) {
  return sessionStorage.getItem(KEY) === step.querySelector("code")?.textContent;
}

function look() {
  const step = document.getElementById("first-copy");
  if (step && copied(step)) {
    tick(step);
  }
}

each("#first-copy", look);
document.addEventListener("htmx:after:swap", look);
document.addEventListener("click", (event) => {
  const step = event.target.closest?.("#first-copy");
  if (step && event.target.closest("[data-copy]")) {
    sessionStorage.setItem(KEY, step.querySelector("code").textContent);
    tick(step);
  }
});
