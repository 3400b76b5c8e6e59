// What the script says, in the language of the page: stagewise/console/words.py.

const words = JSON.parse(document.body.dataset.words || "{}");

/** The words of this name, with `%(name)s` filled in from `values`. */
export function t(name, values = {}) {
  return (words[name] ?? name).replaceAll(/%\((\w+)\)s/g, (_all, key) => values[key] ?? "");
}
