// A small reminder of the work under way while the tray is out of sight.
import { one, reveal } from "./dom.js";

/** Show `button` with the progress of the newest running job whenever `section` is out of view. */
export function pill(tray, button, section) {
  let visible = false;
  const show = () => {
    const [id, percent] = [...tray.progress].at(-1) ?? [];
    button.hidden = visible || id === undefined;
    if (id !== undefined) button.textContent = `${one("h3", tray.card(id))?.textContent ?? ""} · ${Math.floor(percent)} %`;
  };
  new IntersectionObserver(([entry]) => { visible = entry.isIntersecting; show(); }, { threshold: 0.05 }).observe(section);
  tray.addEventListener("change", show);
  button.addEventListener("click", () => reveal(section));
}
