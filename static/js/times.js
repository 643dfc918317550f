// Server times, shown in the reader's own zone and language.
import { all } from "./dom.js";

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Rewrite every `<time data-time>` inside `root`. */
export function localTimes(root = document) {
  for (const node of all("time[data-time]", root)) {
    const at = new Date(node.dateTime);
    if (!Number.isNaN(at.getTime())) node.textContent = format.format(at);
  }
}

localTimes();
