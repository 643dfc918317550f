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
