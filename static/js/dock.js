// The jobs under way, on every page that has no tray of its own: a small button below, and the cards behind it.
import { fragment, one } from "./dom.js";
import { notifier } from "./notify.js";
import { Tray, followed, seen, titled } from "./tray.js";
import { say } from "./words.js";

const dock = one("[data-dock]");
const panel = one("[data-dock-panel]");
const button = one("[data-dock-open]");

/** What is at work now, and what ended since this browser last looked at it. */
async function fetched() {
  const response = await fetch(`/jobs/?part=tray&also=${followed().join(",")}`, { credentials: "same-origin", headers: { Accept: "text/html" } });
  return response.ok ? fragment(await response.text()) : null;
}

function show(tray) {
  const cards = tray.cards();
  const running = [...tray.progress.values()];
  const percent = running.length ? Math.floor(running.reduce((sum, value) => sum + value, 0) / running.length) : 0;
  dock.hidden = cards.length === 0;
  button.textContent = running.length
    ? say.many("%(n)s job · %(percent)s %", "%(n)s jobs · %(percent)s %", running.length, { percent })
    : say.many("%(n)s job is over", "%(n)s jobs are over", cards.length);
}

function toggle(tray, open) {
  panel.hidden = !open;
  tray.out = !open;
  if (open) for (const card of tray.cards()) if (!tray.progress.has(card.dataset.job)) seen(card.dataset.job);
  button.setAttribute("aria-expanded", String(open));
  (open ? one("h2", panel) : button).focus({ preventScroll: true });
}

async function begin() {
  const cards = await fetched().catch(() => null); // offline: the page itself says so
  if (!cards?.querySelector("[data-job]")) return;
  const root = one("[data-dock-tray]");
  root.append(cards);
  const tray = new Tray(root, { out: true });
  titled(tray);
  notifier(tray, one("[data-notify]", panel));
  tray.addEventListener("change", () => show(tray));
  button.addEventListener("click", () => toggle(tray, panel.hidden));
  one("[data-dock-close]").addEventListener("click", () => toggle(tray, false));
  document.addEventListener("keydown", (event) => event.key === "Escape" && !panel.hidden && toggle(tray, false));
  show(tray);
}

begin();
