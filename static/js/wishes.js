// Finding a card by what one calls it: "discord", "gif", "smaller".
import { all, one } from "./dom.js";
import { say } from "./words.js";

/** The letters that matter: lower case, without accents; a space in front, so that words are found by their beginning. */
const plain = (text) => ` ${text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}.]+/gu, " ").trim()}`;

/** Filters the groups of cards inside `form` while one types; Enter takes the first card that is found. */
export class Wishes {
  #open = null; // the groups that were open before the search

  constructor(form, { signal }) {
    this.form = form;
    this.input = one("[data-wish-search]", form);
    this.groups = all("[data-group]", form).map((group) => ({
      node: group,
      cards: all("label.choice", group).map((label) => ({ label, text: plain(`${label.textContent} ${label.dataset.words} ${one(".choices-title", group).textContent} ${group.dataset.words}`) })),
    }));
    this.input.addEventListener("input", () => this.#filter(), { signal });
    this.input.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  #filter() {
    const wanted = plain(this.input.value).split(" ").filter(Boolean);
    if (!wanted.length) return this.#restore();
    this.#open ??= this.groups.filter(({ node }) => node.open).map(({ node }) => node);
    let count = 0;
    for (const { node, cards } of this.groups) {
      let found = 0;
      for (const { label, text } of cards) {
        label.hidden = one("input", label).disabled || !wanted.every((word) => text.includes(` ${word}`));
        found += !label.hidden;
      }
      node.hidden = !found;
      node.open = found > 0;
      count += found;
    }
    const none = say("Nothing here is called that. Try another word, or empty the search.");
    one("[data-wish-found]", this.form).textContent = count ? say.many("One card. Enter chooses it.", "%(n)s cards. Enter chooses the first.", count) : none;
    return undefined;
  }

  #restore() {
    for (const { node, cards } of this.groups) {
      for (const { label } of cards) label.hidden = one("input", label).disabled;
      node.hidden = cards.every(({ label }) => label.hidden);
      if (this.#open) node.open = this.#open.includes(node) || Boolean(one("input:checked", node));
    }
    this.#open = null;
    one("[data-wish-found]", this.form).textContent = "";
  }

  // Enter must not convert what nobody looked at.
  #key(event) {
    if (event.key === "Escape" && this.input.value) {
      event.preventDefault();
      event.stopPropagation();
      this.input.value = "";
      this.#filter();
    }
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = this.input.value.trim() && one("[data-group]:not([hidden]) label.choice:not([hidden]) input", this.form);
    if (!first) return;
    first.checked = true;
    first.dispatchEvent(new Event("change", { bubbles: true }));
    first.focus();
  }
}
