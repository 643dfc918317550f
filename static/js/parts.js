// The list of parts beside the timeline: typed times, one in hand, added, split, removed.
import { announce, one } from "./dom.js";
import { clock, parseTime, seconds } from "./format.js";
import { say } from "./words.js";

/** Shows a cut's parts and changes them. `head()` tells where the playhead is, `titleOf()` what the outcome is called. */
export class Parts {
  constructor(form, cut, { head, signal }) {
    Object.assign(this, { cut, head });
    this.root = one("[data-parts]", form);
    this.list = one("[data-parts-list]", this.root);
    this.error = one("[data-parts-error]", this.root);
    const on = (selector, act) => one(selector, this.root).addEventListener("click", act, { signal });
    on("[data-add-part]", () => this.add());
    on("[data-split]", () => this.split());
    this.list.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.list.addEventListener("change", (event) => this.#typed(event), { signal });
  }

  /** Add a part at the playhead, or behind the one in hand where the playhead is inside of a part. */
  add() {
    const { cut } = this;
    if (!cut.movable) return;
    const inside = cut.parts.some((part) => this.head() >= part.start - cut.frame / 2 && this.head() < part.end - cut.frame / 2);
    const start = inside ? cut.end : this.head();
    const next = Math.min(cut.duration, ...cut.parts.map((part) => part.start).filter((time) => time > start + cut.frame / 2));
    const length = Math.min(next - start, Math.max(1, cut.duration / 10));
    if (length < cut.frame) return this.#tell(say("There is no room behind this part; move the playhead to where the next one shall begin."));
    cut.add({ start, end: start + length });
    announce(say("Part %(n)s added.", { n: cut.active + 1 }));
    return undefined;
  }

  /** Make two of the part in hand, at the playhead. */
  split() {
    if (!this.cut.movable) return;
    if (this.cut.split(this.head())) announce(say("Split at %(time)s.", { time: clock(this.head()) }));
    else this.#tell(say("The playhead is not inside of this part; move it there first."));
  }

  /** Remove the part in hand. */
  remove(index = this.cut.active) {
    if (!this.cut.movable || this.cut.parts.length < 2) return;
    this.cut.remove(index);
    announce(say("Part %(n)s removed.", { n: index + 1 }));
  }

  /** Take the next part in hand. */
  next() {
    if (this.cut.movable && this.cut.parts.length > 1) this.cut.choose((this.cut.active + 1) % this.cut.parts.length);
  }

  /** Show what the cut says now. */
  show() {
    const { cut, list } = this;
    const { parts } = cut;
    this.root.hidden = !cut.movable;
    list.hidden = parts.length < 2;
    if (this.error.textContent) this.#tell("");
    while (list.children.length > parts.length) list.lastElementChild.remove();
    if (!list.hidden) {
      while (list.children.length < parts.length) list.append(one("[data-part-row]", this.root).content.cloneNode(true));
      parts.forEach((part, index) => this.#row(list.children[index], part, index));
    }
    const note = one("[data-parts-note]", this.root);
    const text = this.#note(parts);
    if (note.textContent !== text) note.textContent = text; // each write would cost a layout while a handle is dragged
  }

  /** Put a sentence beside the list; false when the name is none of its own. */
  say(name, sentence) {
    if (!/^ranges\b/.test(name ?? "")) return false;
    this.#tell(sentence);
    return true;
  }

  #note(parts) {
    if (parts.length < 2) return "";
    if (!this.cut.several) return say("This outcome takes one part: the one in hand. Trim and sound take all of them.");
    return say("Together %(length)s", { length: seconds(parts.reduce((sum, part) => sum + part.end - part.start, 0)) });
  }

  #row(row, part, index) {
    const n = index + 1;
    const put = (selector, name, value) => {
      const node = one(selector, row);
      if (node[name] !== value) node[name] = value;
    };
    put("[data-pick]", "textContent", say("Part %(n)s", { n }));
    one("[data-pick]", row).setAttribute("aria-pressed", String(index === this.cut.active));
    put("[data-from]", "value", clock(part.start));
    put("[data-to]", "value", clock(part.end));
    one("[data-from]", row).setAttribute("aria-label", say("Start of part %(n)s", { n }));
    one("[data-to]", row).setAttribute("aria-label", say("End of part %(n)s", { n }));
    one("[data-remove]", row).setAttribute("aria-label", say("Remove part %(n)s", { n }));
    put("[data-part-length]", "textContent", seconds(part.end - part.start));
    row.classList.toggle("active", index === this.cut.active);
  }

  #tell(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = !sentence;
  }

  #index(node) {
    return [...this.list.children].indexOf(node.closest("li"));
  }

  #clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-pick]")) this.cut.choose(this.#index(button));
    else this.remove(this.#index(button));
  }

  #typed(event) {
    const index = this.#index(event.target);
    const part = this.cut.parts[index];
    const which = event.target.matches("[data-from]") ? "start" : "end";
    const time = parseTime(event.target.value);
    const range = { ...part, [which]: time };
    const wrong = !Number.isFinite(time) ? say("Write seconds (62.5) or a clock time (1:02.5).")
      : range.end <= range.start ? say("A part ends after its start.")
      : time > this.cut.duration + 0.001 ? say("The clip ends at %(end)s; choose an earlier time.", { end: clock(this.cut.duration) }) : "";
    if (!wrong) return this.cut.setPart(index, range, { typed: true });
    event.target.value = clock(part[which]);
    return this.#tell(wrong);
  }
}
