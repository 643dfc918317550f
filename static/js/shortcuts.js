// Keys that work anywhere in the editor, except where they mean something of their own.

const OWN = "input:not([type=radio]), select, textarea, button, a, summary, audio, [contenteditable]";

/** Bind the keys to an editor until `signal` aborts. */
export function shortcuts(editor, signal) {
  const keys = {
    " ": () => editor.playCut(),
    ",": () => editor.step(-1),
    ".": () => editor.step(1),
    i: () => editor.mark("in"),
    o: () => editor.mark("out"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key.toLowerCase()];
    if (!act || event.target.closest(event.key === " " ? `${OWN}, input` : OWN)) return;
    event.preventDefault();
    act();
  }, { signal });
}
