// The lists of one's own files: ticking several, searching while typing, pictures that can't be made.
import { all, one } from "./dom.js";
import { localTimes } from "./times.js";
import { say } from "./words.js";

localTimes(document);

for (const picture of all("[data-thumb]")) {
  picture.addEventListener("error", () => picture.remove(), { once: true });
  if (picture.complete && !picture.naturalWidth && picture.currentSrc) picture.remove();
}

const finder = one("[data-finder]");
finder?.addEventListener("change", (event) => event.target.matches("select, [type=checkbox]") && finder.requestSubmit());

const list = one("[data-library]");
if (list) {
  const ticks = all("[name=ids]", list);
  const whole = one("[data-all]", list);
  const show = () => {
    const count = ticks.filter((tick) => tick.checked).length;
    one("[data-chosen]", list).textContent = count ? say.many("%(n)s chosen", "%(n)s chosen", count) : "";
    whole.checked = count === ticks.length;
    whole.indeterminate = count > 0 && count < ticks.length;
    for (const button of all("[data-needs-choice]", list)) button.disabled = count === 0;
  };
  whole.addEventListener("change", () => {
    for (const tick of ticks) tick.checked = whole.checked;
    show();
  });
  list.addEventListener("change", show);
  addEventListener("pageshow", show); // after "back" the browser ticks them again
  show();
}
