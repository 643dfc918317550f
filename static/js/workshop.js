// The workshop: brings clips in, opens them in the editor, keeps the tray. The server drew everything; this only moves it.
import { calm, fragment, one, reveal } from "./dom.js";
import { Intake } from "./intake.js";
import { loaded } from "./loaded.js";
import { notifier } from "./notify.js";
import { pill } from "./pill.js";
import { Tray, titled } from "./tray.js";

const workspace = one("#workspace");
const tray = new Tray(one("[data-tray]"));
const title = titled(tray);
let editor = null;
let visits = 0; // only the newest one is shown, whichever the server answers first
let tried = false; // whether a fetch that had failed was tried once more

/** The editor, whose modules the start page does without: fetched at the first wish, unless they came with the page. */
async function editing() {
  if (!loaded.Editor) await import("./editor.js"); // it puts itself there
  return loaded.Editor;
}

/** Bring what the server drew to life. */
async function wake() {
  editor?.destroy();
  editor = null;
  const form = one("[data-editor]", workspace);
  if (!form) return;
  try {
    if (!loaded.Editor) await editing(); // only then: where it is there the form lives at once
  } catch {
    unreachable(() => location.reload(), wake);
    return;
  }
  if (form.isConnected && !form.editor) editor = new loaded.Editor(form, { onJob });
}

async function onJob(job) {
  one("#tray").hidden = false;
  if (!tray.card(job.id)) await tray.add(job.id);
}

/** Say that something could not be fetched; `again` is tried by the button, and `anew` once that has failed while the server answers. */
function unreachable(anew, again) {
  const box = one("[data-unreachable]");
  const button = one("button", box);
  box.hidden = false;
  reveal(box);
  button.onclick = async () => {
    box.hidden = true;
    // Some browsers remember for as long as a page lives that a module could not be fetched.
    if (tried && (await fetch(location.href, { method: "HEAD" }).then(({ ok }) => ok, () => false))) anew();
    else again();
    tried = true;
  };
}

/** Another address of the workshop as the server draws it; null where it draws another kind of page. Raises `TypeError` when it does not answer. */
async function drawn(url) {
  const response = await fetch(url, { credentials: "same-origin", headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return one("#workspace", page) && page;
}

/** Show another address of the workshop without losing the tray; falls back to a plain visit. */
async function visit(url, { push = true, opened } = {}) {
  visits += 1;
  const turn = visits;
  let page;
  try {
    const coming = editing();
    coming.catch(() => null); // looked at only where the page has something to edit
    page = await drawn(url);
    if (page && one("[data-editor]", page)) await coming;
  } catch {
    if (turn === visits) unreachable(() => location.assign(url), () => visit(url, { push, opened }));
    return;
  }
  if (turn !== visits) return;
  if (!page) {
    location.assign(url);
    return;
  }
  one("[data-unreachable]").hidden = true;
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

/** Fetch the editor while nobody waits for it, all modules at once: opening a file then waits for nothing. */
function warm() {
  const later = one("[data-later]");
  if (!later || navigator.connection?.saveData) return;
  document.head.append(later.content);
  editing().catch(() => null); // it is tried again when it is needed, and said then
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
wake().then(() => performance.mark("cutroom:ready")); // for who measures (benchmarks/rows/page.py)
addEventListener("load", () => (window.requestIdleCallback ?? setTimeout)(warm));
