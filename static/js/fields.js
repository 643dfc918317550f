// The fields in which the active part's start and duration are typed, and what is to be said beside them.
import { all, one } from "./dom.js";
import { clock, parseTime, seconds } from "./format.js";
import { say } from "./words.js";

const FIELDS = ["start", "duration"];

/** What the server wrote into the fields, as numbers; NaN where there is nothing to be read. */
export const typedRange = (form) => Object.fromEntries(FIELDS.map((name) => [name, parseTime(one(`[data-${name}]`, form)?.value ?? "")]));

/** Shows a cut in the fields, and sets it from them. */
export class CutFields {
  #wrong = new Set(); // fields in which something unreadable is typed

  constructor(form, cut, { signal }) {
    Object.assign(this, { form, cut });
    for (const name of FIELDS) this.#input(name).addEventListener("change", () => this.#read(name), { signal });
  }

  /** Show what the cut says now. */
  show() {
    const { start, length, movable } = this.cut;
    this.#put(this.#input("start"), clock(start));
    this.#put(this.#input("duration"), clock(length));
    const end = one("[data-end]", this.form);
    if (end.textContent !== clock(start + length)) end.textContent = clock(start + length);
    for (const name of FIELDS) this.#input(name).disabled = !movable;
    one("[data-whole]", this.form).hidden = movable;
    this.#wrong.clear();
    this.clear();
  }

  /** Put a sentence beside a field; false when there is no such field. */
  say(name, sentence) {
    if (!FIELDS.includes(name)) return false;
    const error = one(`[data-error-for=${name}]`, this.form);
    if (sentence) this.#input(name).setAttribute("aria-invalid", "true");
    else this.#input(name).removeAttribute("aria-invalid");
    error.textContent = sentence;
    error.hidden = !sentence;
    return true;
  }

  /** Take the sentences of others away; what is typed wrongly stays told. */
  clear() {
    for (const name of FIELDS) if (!this.#wrong.has(name) && this.#input(name).hasAttribute("aria-invalid")) this.say(name, "");
  }

  /** Whether what is typed can be used; otherwise the wrong field gets the focus. */
  valid() {
    const wrong = FIELDS.map((name) => this.#input(name)).find((input) => input.hasAttribute("aria-invalid"));
    wrong?.focus();
    return !wrong;
  }

  /** Ask how a clip that is too short shall fill its time: `row` is that parameter's field, if the outcome has it. */
  askHowToFill(row) {
    const { cut } = this;
    const box = one("[data-short]", this.form);
    const slot = one("[data-short-slot]", box);
    const asked = Boolean(row) && cut.short;
    if (!asked && box.hidden) return;
    for (const other of all("[data-param]", slot)) {
      if (other !== row || !asked) one(`[data-params="${other.dataset.home}"]`, this.form).append(other);
    }
    if (asked && row.parentNode !== slot) {
      row.dataset.home = row.closest("[data-params]").dataset.params;
      slot.append(row);
    }
    box.hidden = !asked;
    const text = one("[data-short-text]", box);
    text.textContent = text.dataset.text.replace("%(have)s s", seconds(Math.max(0, cut.picture - cut.start))).replace("%(want)s s", seconds(cut.length));
  }

  // What stands there already is not written again: each write would cost a layout while a handle is dragged.
  #put(input, text) {
    if (input.value !== text) input.value = text;
  }

  #input(name) {
    return one(`[data-${name}]`, this.form);
  }

  #refuse(name, sentence) {
    this.#wrong.add(name);
    this.say(name, sentence);
  }

  #read(name) {
    const { cut } = this;
    const text = this.#input(name).value.trim();
    const time = parseTime(text);
    if (text && !Number.isFinite(time)) this.#refuse(name, say("Write seconds (62.5) or a clock time (1:02.5)."));
    else if (name === "start" && time >= cut.duration) this.#refuse(name, say("The clip ends at %(end)s; choose an earlier start.", { end: clock(cut.duration) }));
    else if (name === "duration" && time <= 0) this.#refuse(name, say("Choose a duration above zero."));
    else if (name === "start") cut.set(text ? time : 0, cut.length, { typed: true });
    else cut.set(cut.start, text ? time : cut.duration - cut.start, { chosen: Boolean(text), typed: true });
  }
}
