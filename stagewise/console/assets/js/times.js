// "3 minutes ago" stays true while the page is open.
import { each } from "./each.js";
import { t } from "./words.js";

// Below so many seconds, count in units of so many, called so: as stagewise/console/templatetags/console.py does.
const STEPS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86400, 3600, "hour"],
  [30 * 86400, 86400, "day"],
  [365 * 86400, 30 * 86400, "month"],
  [Infinity, 365 * 86400, "year"],
];
const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "always" });

/** How long ago a moment (milliseconds since 1970) is, in words. */
export function ago(moment, now = Date.now()) {
  const seconds = (now - moment) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) {
    return t("just_now");
  }
  const [, unit, name] = STEPS.find(([below]) => size < below);
  const count = Math.floor(size / unit);
  return format.format(seconds > 0 ? -count : count, name);
}

function refresh(time) {
  const words = ago(Date.parse(time.dateTime));
  if (time.textContent !== words) {
    time.textContent = words;
  }
}

each("time.when", refresh);
setInterval(() => document.querySelectorAll("time.when").forEach(refresh), 30000);
