// Keys that work anywhere in the editor, except where they mean something of their own; templates/workshop/_keys.html lists them.
import { one } from "./dom.js";

const OWN = "input:not([type=radio], [type=checkbox]), select, textarea, button, a, summary, audio, [contenteditable]";
const TEXT = "input:not([type=radio], [type=checkbox]), textarea, [contenteditable]";
const REMEMBERED = "cutroom:keys";

/** Bind the keys to an editor until `signal` aborts. */
export function shortcuts(editor, signal) {
  const sheet = one("[data-keys]");
  const showKeys = () => sheet && !sheet.open && sheet.showModal();
  const tool = (name) => () => editor.tools?.press(name);
  const keys = {
    " ": () => editor.playCut(),
    ",": () => editor.step(-1),
    ".": () => editor.step(1),
    i: () => editor.mark("in"),
    o: () => editor.mark("out"),
    b: () => editor.toMark(-1),
    n: () => editor.toMark(1),
    m: () => editor.snapping?.toggle(),
    a: () => editor.parts?.add(),
    s: () => editor.parts?.split(),
    p: () => editor.parts?.next(),
    delete: () => editor.parts?.remove(),
    "+": () => editor.timeline?.zoom(1),
    "=": () => editor.timeline?.zoom(1),
    "-": () => editor.timeline?.zoom(-1),
    0: () => editor.timeline?.zoomOut(),
    c: tool("crop"),
    r: tool("turn"),
    h: tool("mirror"),
    v: tool("flip"),
    "?": showKeys,
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.ctrlKey || event.metaKey) return undo(editor, event);
    const act = keys[event.key.toLowerCase()];
    if (!act || !allowed() || event.target.closest(event.key === " " ? `${OWN}, input` : OWN)) return;
    event.preventDefault();
    act();
  }, { signal });
  for (const button of document.querySelectorAll("[data-show-keys]")) button.addEventListener("click", showKeys, { signal });
  if (!sheet) return;
  const on = one("[data-keys-on]", sheet);
  on.checked = allowed();
  on.addEventListener("change", () => remember(on.checked), { signal });
  one("[data-close-keys]", sheet).addEventListener("click", () => sheet.close(), { signal });
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close(), { signal });
}

// In a text field Ctrl+Z belongs to what is typed there.
function undo(editor, event) {
  const key = event.key.toLowerCase();
  if ((key !== "z" && key !== "y") || event.target.closest(TEXT)) return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) editor.history?.redo();
  else editor.history?.undo();
}

function allowed() {
  try {
    return localStorage.getItem(REMEMBERED) !== "off";
  } catch {
    return true;
  }
}

function remember(on) {
  try {
    localStorage.setItem(REMEMBERED, on ? "on" : "off");
  } catch { /* then they stay as they are */ }
}
