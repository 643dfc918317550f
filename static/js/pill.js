// A small reminder of the work under way, and of what became of it, while the tray is out of sight.
import { one, reveal } from "./dom.js";

/** Show `button` for the newest job of the tray whenever `section` is out of view. */
export function pill(tray, button, section) {
  let visible = false;
  let over = null; // the job that ended unseen
  const show = () => {
    if (visible) over = null;
    const [running, percent] = [...tray.progress].at(-1) ?? [];
    const card = tray.card(running ?? over);
    button.hidden = visible || !card;
    if (card) button.textContent = `${one("h3", card).textContent} · ${running ? `${Math.floor(percent)} %` : one("[data-state]", card).textContent}`;
  };
  new IntersectionObserver(([entry]) => { visible = entry.isIntersecting; show(); }, { threshold: 0.05 }).observe(section);
  tray.addEventListener("change", ({ detail }) => {
    if (detail && !tray.progress.size) over = detail.id;
    show();
  });
  button.addEventListener("click", () => reveal(tray.cards()[0] ?? section));
}
