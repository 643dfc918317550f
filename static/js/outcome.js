// The cards and the parameters under "More". Everything comes from what the server drew and from the page's data.
import { all, calm, one } from "./dom.js";
import { bytes, clock, parseTime } from "./format.js";
import { Tryouts } from "./tryouts.js";
import { Doctor } from "./doctor.js";
import { NewTab } from "./newtab.js";
import { Wishes } from "./wishes.js";
import { say } from "./words.js";

const RANGE = new Set(["start", "duration", "end"]);

/** Event `change` (detail: "outcome" or the parameter's name) whenever what will be made changed. */
export class Outcome extends EventTarget {
  constructor(form, { data, signal }) {
    super();
    Object.assign(this, { form, data, signal });
    this.cards = all("input[name=outcome]", form);
    this.more = one("[data-more]", form);
    for (const option of all("option[data-untouched]", form)) {
      const select = option.parentNode;
      const untouched = option.selected;
      option.remove();
      if (untouched) select.selectedIndex = -1; // `choose` puts the card's value in
    }
    this.#offer();
    this.wishes = new Wishes(form, { signal });
    this.newTab = new NewTab(form, { signal });
    this.doctor = new Doctor(form, { signal });
    this.tryouts = new Tryouts(form, { signal });
    form.addEventListener("cutroom:apply", ({ detail }) => this.apply(detail), { signal });
    this.more.addEventListener("toggle", () => this.more.open && this.#revealMore(), { signal });
    form.addEventListener("change", (event) => event.target.name === "outcome" && this.choose(true), { signal });
    form.addEventListener("input", (event) => event.target.closest("[data-param]") && this.#edited(event.target), { signal });
  }

  /** The chosen card's data; undefined when nothing fits. */
  get chosen() {
    return this.data.outcomes[this.cards.find((card) => card.checked)?.value];
  }

  /** Whether the chosen operation has a parameter of that name. */
  has(name) {
    return Boolean(this.chosen && name in this.chosen.params);
  }

  /** What the chosen card would set, before anybody changed anything. */
  preset(name) {
    return this.chosen?.params[name] ?? null;
  }

  /** The row of the chosen operation's parameter that answers what the timeline asks; undefined when it has none. */
  promoted() {
    return all("[data-promoted]", this.form).find((row) => one(`[name^="${this.chosen?.operation}."]`, row));
  }

  /** Take over a card: its operation's fields are shown and hold its values. */
  choose(fresh) {
    const chosen = this.chosen;
    for (const group of all("[data-params]", this.form)) group.hidden = group.dataset.params !== chosen?.operation;
    if (!chosen) return;
    for (const input of this.#inputs()) {
      const name = this.#name(input);
      const effective = this.#shown(input, chosen.params[name]);
      const { repeat } = this.data;
      if (!fresh && repeat && name in repeat) input.value = this.#shown(input, repeat[name]);
      else if (fresh || input.value === "") input.value = effective;
      input.dataset.effective = effective;
      this.mark(input, "");
    }
    this.#count();
    this.#credit(chosen.limit);
    this.form.dispatchEvent(new CustomEvent("cutroom:outcome", { detail: chosen }));
    this.dispatchEvent(new CustomEvent("change", { detail: "outcome" }));
  }

  /** Put values into the chosen operation's fields, as if a person had. */
  apply(params) {
    for (const input of this.#inputs()) if (this.#name(input) in params) input.value = this.#shown(input, params[this.#name(input)]);
    this.#count();
    this.dispatchEvent(new CustomEvent("change", { detail: "params" }));
  }

  /** The parameters that differ from the card, as the API takes them (the range is the timeline's). */
  params() {
    const changed = this.#inputs().filter((input) => input.value !== input.dataset.effective);
    return Object.fromEntries(changed.map((input) => [this.#name(input), this.#value(input)]));
  }

  /** Put a sentence beside a parameter; false when the operation has no such field. */
  blame(name, sentence) {
    const input = this.#inputs().find((candidate) => this.#name(candidate) === name);
    if (!input) return false;
    this.more.open ||= this.more.contains(input);
    this.mark(input, sentence);
    return true;
  }

  /** Mark a field as wrong, or as right again with an empty sentence. */
  mark(input, sentence) {
    const error = one("[data-error]", input.closest("[data-param]"));
    error.textContent = sentence;
    error.hidden = !sentence;
    input.toggleAttribute("aria-invalid", Boolean(sentence));
    if (sentence) input.setAttribute("aria-invalid", "true");
  }

  #offer() {
    const { kind } = this.data.media;
    for (const card of this.cards) {
      const fits = this.data.outcomes[card.value].accepts.includes(kind);
      card.disabled = !fits;
      card.closest("label").hidden = !fits;
    }
    for (const group of all("[data-group]", this.form)) group.hidden = !one("label:not([hidden])", group);
    const fitting = this.cards.filter((card) => !card.disabled);
    if (!fitting.some((card) => card.checked) && fitting.length) fitting[0].checked = true;
    fitting.find((card) => card.checked)?.closest("[data-group]").setAttribute("open", "");
    one("[data-none]", this.form).hidden = fitting.length > 0;
  }

  // Whose limit the card keeps to, and who says so.
  #credit(limit) {
    const note = one("[data-limit]", this.form);
    note.hidden = !limit;
    if (!limit) return;
    const facts = { where: limit.where, size: bytes(limit.bytes) };
    one("[data-limit-text]", note).textContent = limit.confirmed ? say("%(where)s takes up to %(size)s.", facts) : say("%(where)s takes up to %(size)s, as far as we know: not confirmed.", facts);
    one("[data-limit-source]", note).href = limit.source;
  }

  // Where the cards scroll in a panel of their own, what was opened comes to its top.
  #revealMore() {
    const panel = one(".outcome-scroll", this.form);
    if (panel.scrollHeight > panel.clientHeight) panel.scrollTo({ top: this.more.offsetTop - panel.offsetTop, behavior: calm() ? "auto" : "smooth" });
  }

  #edited(input) {
    this.mark(input, "");
    this.#count();
    this.dispatchEvent(new CustomEvent("change", { detail: this.#name(input) }));
  }

  #count() {
    const count = Object.keys(this.params()).length;
    const note = one("[data-changed]", this.more);
    note.hidden = !count;
    note.textContent = count ? say("· %(n)s changed", { n: count }) : "";
  }

  #inputs() {
    const prefix = `${this.chosen?.operation}.`;
    return all("[data-param] :is(input, select)", this.form).filter((input) => input.name.startsWith(prefix) && !RANGE.has(this.#name(input)) && !input.closest("[data-drawn]"));
  }

  #name(input) {
    return input.name.slice(input.name.indexOf(".") + 1);
  }

  #shown(input, value) {
    if (value === null || value === undefined) return "";
    return input.closest("[data-param]").dataset.type === "time" ? clock(value) : String(value);
  }

  #value(input) {
    const { type } = input.closest("[data-param]").dataset;
    if (type === "text") return input.value;
    if (input.value === "") return null;
    if (type === "flag") return input.value === "true";
    if (type === "choice") return input.value;
    const parsed = type === "time" ? parseTime(input.value) : Number(input.value);
    return Number.isFinite(parsed) ? parsed : input.value; // the server says what is wrong with it
  }
}
