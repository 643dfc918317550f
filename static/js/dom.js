// Small helpers for pages.

/** The first match of a selector inside `root`. */
export const one = (selector, root = document) => root.querySelector(selector);

/** All matches of a selector inside `root`, as an array. */
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** A page's HTML, or a fragment of it, as a document fragment. */
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** An element with text: `el("p", "muted", "…")`. */
export function el(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/** Say something to screen readers, politely. */
export function announce(text) {
  const region = one("[data-announcer]");
  if (region && region.textContent !== text) region.textContent = text;
}

/** Whether the person asked for less movement. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Bring an element into view, without a ride where movement is unwanted. */
export const reveal = (node) => node.scrollIntoView({ behavior: calm() ? "auto" : "smooth", block: "nearest" });

const PRESSED = "a, button:not([role=slider]), label, summary";
let release = Promise.resolve();
document.addEventListener("pointerdown", ({ button, target }) => {
  if (button !== 0 || !target.closest?.(PRESSED)) return;
  release = new Promise((resolve) => {
    const over = new AbortController();
    const up = () => { over.abort(); setTimeout(resolve); }; // after the click
    for (const name of ["pointerup", "pointercancel", "pointerdown", "keydown"]) addEventListener(name, up, { capture: true, signal: over.signal });
    addEventListener("blur", up, { signal: over.signal }); // of the window alone: those of elements don't rise
  });
}, true);

/** Settles once no finger is down on something to press: what moves under it meanwhile would take the press away. */
export const released = () => release;
