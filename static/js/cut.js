// The cut as numbers: its start, the length that is asked for, and the fields in which both are typed.
import { all, one } from "./dom.js";
import { clock, parseTime, seconds } from "./format.js";

const FIELDS = ["start", "duration"];

/** Event `change` (detail: {typed}) after every change. Times are seconds. `length` may be more than the clip has. */
export class Cut extends EventTarget {
  #kept = null;
  #wrong = new Set(); // fields in which something unreadable is typed

  constructor(form, { duration, picture, frame, repeat, signal }) {
    super();
    Object.assign(this, { form, duration, picture, frame, start: 0, length: duration, chosen: false });
    const typed = repeat ? repeated(repeat, duration) : this.#typed();
    if (typed.start < duration) this.start = typed.start;
    if (Number.isFinite(typed.duration)) [this.length, this.chosen] = [typed.duration, true];
    for (const name of FIELDS) this.#input(name).addEventListener("change", () => this.#read(name), { signal });
  }

  /** Where the cut ends inside the clip. */
  get end() {
    return Math.min(this.start + this.length, this.duration);
  }

  /** Whether the clip's picture, which may end before its sound, ends before what is asked for is full. */
  get short() {
    return this.length > this.picture - this.start + this.frame * 0.75 && !this.untilEnd;
  }

  /** Whether it goes on until the clip's end. */
  get untilEnd() {
    return Math.abs(this.start + this.length - this.duration) < this.frame / 2;
  }

  /** Set it; `chosen` tells that a person wants this length, so that no card changes it any more. */
  set(start, length, { chosen = false, typed = false } = {}) {
    this.start = start;
    this.length = length;
    this.chosen ||= chosen;
    this.#input("start").value = clock(start);
    this.#input("duration").value = clock(length);
    one("[data-end]", this.form).textContent = clock(start + length);
    this.#wrong.clear();
    this.clear();
    this.dispatchEvent(new CustomEvent("change", { detail: { typed } }));
  }

  /** The outcome takes everything: the cut rests, and is remembered. */
  suspend() {
    this.#kept ??= [this.start, this.length];
    this.#allow(false);
    this.set(0, this.duration);
  }

  /** The outcome takes a part: the cut is as it was left, with the card's length as in `suggest`. */
  resume(wanted) {
    if (this.#kept) [this.start, this.length] = this.#kept;
    this.#kept = null;
    this.#allow(true);
    this.suggest(wanted);
  }

  /** Take a card's length (null: to the end), unless a person chose one; the start moves only to make room. */
  suggest(wanted) {
    if (this.chosen) return this.set(this.start, this.length);
    const length = wanted ?? this.duration - this.start;
    const latest = Math.floor((this.duration - length) / this.frame + 1e-6) * this.frame;
    return this.set(Math.max(0, Math.min(this.start, latest)), length);
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
    for (const name of FIELDS) if (!this.#wrong.has(name)) this.say(name, "");
  }

  /** Whether what is typed can be used; otherwise the wrong field gets the focus. */
  valid() {
    const wrong = FIELDS.map((name) => this.#input(name)).find((input) => input.hasAttribute("aria-invalid"));
    wrong?.focus();
    return !wrong;
  }

  /** Ask how a clip that is too short shall fill its time: `row` is that parameter's field, if the outcome has it. */
  askHowToFill(row) {
    const box = one("[data-short]", this.form);
    const slot = one("[data-short-slot]", box);
    const asked = Boolean(row) && this.short;
    for (const other of all("[data-param]", slot)) {
      if (other !== row || !asked) one(`[data-params="${other.dataset.home}"]`, this.form).append(other);
    }
    if (asked && row.parentNode !== slot) {
      row.dataset.home = row.closest("[data-params]").dataset.params;
      slot.append(row);
    }
    box.hidden = !asked;
    const text = one("[data-short-text]", box);
    text.textContent = text.dataset.text.replace("%(have)s s", seconds(Math.max(0, this.picture - this.start))).replace("%(want)s s", seconds(this.length));
  }

  #allow(allowed) {
    for (const name of FIELDS) this.#input(name).disabled = !allowed;
    one("[data-whole]", this.form).hidden = allowed;
  }

  #input(name) {
    return one(`[data-${name}]`, this.form);
  }

  #typed() {
    return Object.fromEntries(FIELDS.map((name) => [name, parseTime(this.#input(name).value)]));
  }

  #refuse(name, sentence) {
    this.#wrong.add(name);
    this.say(name, sentence);
  }

  #read(name) {
    const text = this.#input(name).value.trim();
    const time = this.#typed()[name];
    if (text && !Number.isFinite(time)) this.#refuse(name, "Write seconds (62.5) or a clock time (1:02.5).");
    else if (name === "start" && time >= this.duration) this.#refuse(name, `The clip ends at ${clock(this.duration)}; choose an earlier start.`);
    else if (name === "duration" && time <= 0) this.#refuse(name, "Choose a duration above zero.");
    else if (name === "start") this.set(text ? time : 0, this.length, { typed: true });
    else this.set(this.start, text ? time : this.duration - this.start, { chosen: Boolean(text), typed: true });
  }
}

/** The cut of a job that is to be repeated; without a range in its parameters, everything. */
function repeated({ start, duration, end }, whole) {
  const from = start ?? 0;
  return { start: from, duration: duration ?? (end ?? whole) - from };
}
