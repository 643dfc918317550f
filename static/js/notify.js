// Telling a person who looks elsewhere that a job is over; asked for only upon a click.
import { announce, one } from "./dom.js";
import { say } from "./words.js";

const KEY = "cutroom-notify";

// Browsers know notifications only on HTTPS (and this very machine); phones only through a service worker, which throws.
const can = () => "Notification" in window && isSecureContext && Notification.permission !== "denied";

const wanted = () => {
  try { return localStorage.getItem(KEY) === "1" && Notification.permission === "granted"; } catch { return false; }
};

/** Show `button` while something is at work that nobody is told about yet, and tell of every job of `tray` that ends out of sight. */
export function notifier(tray, button) {
  const show = () => { button.hidden = !can() || wanted() || tray.progress.size === 0; };
  button.addEventListener("click", async () => {
    const answer = await Notification.requestPermission();
    if (answer === "granted") {
      try { localStorage.setItem(KEY, "1"); } catch { /* then for this page only, and it asks again */ }
      announce(say("You will be told when a job is done."));
    } else announce(say("Your browser does not allow it; the title of this tab shows how far it is."));
    show();
  });
  tray.addEventListener("change", ({ detail }) => {
    show();
    const news = detail?.status === "succeeded" || detail?.status === "failed"; // what was cancelled is known
    if (news && (document.hidden || !document.hasFocus()) && can() && wanted()) tell(tray.card(detail.id), detail.id);
  });
  show();
}

function tell(card, id) {
  if (!card) return;
  const title = `${one("h3", card).textContent}: ${one("[data-state]", card).textContent}`;
  try {
    const shown = new Notification(title, { body: one(".job-title .muted", card)?.textContent ?? "", tag: id }); // two tabs tell once
    shown.addEventListener("click", () => {
      focus();
      card.scrollIntoView({ block: "center" });
      shown.close();
    });
  } catch { /* this browser wants a service worker for it; the title tells */ }
}
