// <select data-guess-zone>: the time zone of the browser, as long as nobody has chosen another.
import { each } from "./each.js";

each("select[data-guess-zone]", (select) => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const untouched = select.value === "UTC" || select.value === "";
  if (untouched && [...select.options].some((option) => option.value === zone)) {
    select.value = zone;
  }
});
