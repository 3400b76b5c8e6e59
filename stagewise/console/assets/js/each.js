// What to do with elements that are there now, and with those that come later by a swap.

const known = [];

function apply({ selector, act, done }, root) {
  const found = [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
  for (const element of found) {
    if (!done.has(element)) {
      done.add(element);
      act(element);
    }
  }
}

/** Calls `act` once for every element that matches, present and to come. */
export function each(selector, act) {
  const rule = { selector, act, done: new WeakSet() };
  known.push(rule);
  apply(rule, document);
}

new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) {
      if (node.nodeType === Node.ELEMENT_NODE) {
        known.forEach((rule) => apply(rule, node));
      }
    }
  }
}).observe(document.body, { childList: true, subtree: true });
