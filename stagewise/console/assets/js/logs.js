// What somebody has opened stays open when the page is brought up to date.
import htmx from "htmx.org";

htmx.registerExtension("keep-open", {
  htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && element.matches("[data-keep-open]")),
});
