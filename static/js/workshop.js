// The workshop: brings clips in, opens them in the editor, keeps the tray. The server drew everything; this only moves it.
import { calm, fragment, one } from "./dom.js";
import { Editor } from "./editor.js";
import { Intake } from "./intake.js";
import { notifier } from "./notify.js";
import { pill } from "./pill.js";
import { Tray, titled } from "./tray.js";

const workspace = one("#workspace");
const tray = new Tray(one("[data-tray]"));
const title = titled(tray);
let editor = null;

/** Bring what the server drew to life. */
function wake() {
  editor?.destroy();
  const form = one("[data-editor]", workspace);
  editor = form ? new Editor(form, { onJob }) : null;
}

async function onJob(job) {
  one("#tray").hidden = false;
  if (!tray.card(job.id)) await tray.add(job.id);
}

/** Show another address of the workshop without losing the tray; falls back to a plain visit. */
async function visit(url, { push = true, opened } = {}) {
  let page;
  try {
    const response = await fetch(url, { credentials: "same-origin", headers: { Accept: "text/html" } });
    page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!one("#workspace", page)) throw new Error("another kind of page");
  } catch {
    location.assign(url);
    return;
  }
  const swap = () => {
    intake.away();
    editor?.destroy();
    editor = null;
    opened?.();
    workspace.replaceChildren(fragment(one("#workspace", page).innerHTML));
    if (push) history.pushState(null, "", url);
    title.rename(page.title);
    intake.place();
    wake();
    scrollTo(0, 0);
  };
  if (document.startViewTransition && !calm()) await document.startViewTransition(swap).updateCallbackDone;
  else swap();
  const heading = one("h1", workspace);
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** Have made what the editor will show first, while its page is on its way. */
function ahead(upload) {
  for (const url of [upload.filmstrip_url, upload.waveform_url]) if (url) fetch(url, { credentials: "same-origin" }).catch(() => null);
}

const intake = new Intake({
  open: (upload, opened) => {
    ahead(upload);
    visit(`${location.pathname}?upload=${upload.id}`, { opened });
  },
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-open]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  visit(link.href);
});
addEventListener("popstate", () => visit(location.href, { push: false }));
pill(tray, one("[data-pill]"), one("#tray"));
notifier(tray, one("[data-notify]"));
wake();
performance.mark("cutroom:ready"); // for who measures (benchmarks/rows/page.py)
