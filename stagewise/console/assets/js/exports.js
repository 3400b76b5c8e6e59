// A file of leads, with how far it is: <form data-export="812">, the number of leads where that is known. A file of
// more leads than were counted is the browser's to fetch, which shows how far it is by itself and keeps nothing here.
import { each } from "./each.js";
import { say } from "./toasts.js";
import { t } from "./words.js";

/** Counts the rows of a CSV file without its header: ends of lines outside of quotation marks. */
function rowCounter() {
  const QUOTE = 34;
  const LINE_END = 10;
  let quoted = false;
  let rows = -1;
  return (chunk) => {
    for (const byte of chunk) {
      if (byte === QUOTE) {
        quoted = !quoted;
      } else if (byte === LINE_END && !quoted) {
        rows += 1;
      }
    }
    return Math.max(0, rows);
  };
}

/** Counts the objects of a JSON file: one on each line. */
function lineCounter() {
  let lines = 0;
  return (chunk) => {
    for (const byte of chunk) {
      lines += byte === 10 ? 1 : 0;
    }
    return lines;
  };
}

function save(parts, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function fetchFile(form, kind, show) {
  const body = new FormData(form);
  body.set("kind", kind);
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
  if (!answer.ok) {
    throw new Error(answer.status === 503 ? "export_busy" : "no_answer");
  }
  const count = kind === "csv" ? rowCounter() : kind === "json" ? lineCounter() : null;
  const parts = [];
  const reader = answer.body.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    parts.push(value);
    if (count) {
      show(count(value));
    }
  }
  save(parts, answer.headers.get("Content-Type"), `leads.${kind}`);
}

each("form[data-export]", (form) => {
  const total = Number(form.dataset.export);
  const line = form.querySelector("#export-progress");
  const words = line.querySelector("p");
  const bar = line.querySelector("progress");
  const locale = document.documentElement.lang;
  let busy = false;

  form.addEventListener("submit", async (event) => {
    if (!total) {
      return;
    }
    event.preventDefault();
    if (busy) {
      return;
    }
    busy = true;
    const kind = event.submitter?.value ?? "csv";
    line.hidden = false;
    bar.hidden = false;
    bar.max = total;
    bar.removeAttribute("value");
    words.textContent = t(kind === "xlsx" ? "export_workbook" : "export_begins");
    try {
      await fetchFile(form, kind, (rows) => {
        bar.value = Math.min(rows, total);
        words.textContent = t("export_so_far", { count: rows.toLocaleString(locale), total: total.toLocaleString(locale) });
      });
      words.textContent = t("export_done", { name: `leads.${kind}` });
    } catch (error) {
      line.hidden = true;
      say(t(["export_busy", "no_answer"].includes(error.message) ? error.message : "no_connection"), { bad: true });
    }
    bar.hidden = true;
    busy = false;
  });
});
