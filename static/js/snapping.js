// Marks that hold an edge: keyframes, scene changes, the ends of silences. They come from the server as they are found.
import { say } from "./words.js";

const REMEMBERED = "cutroom:snapping";
const PATIENCE = { least: 400, most: 3000 }; // milliseconds between two questions

/** Event `change` when there are more marks, or the switch was turned. Times are seconds. */
export class Snapping extends EventTarget {
  #sorted = []; // [{time, kinds}]
  #timer = 0;

  constructor(url, { frame, signal }) {
    super();
    Object.assign(this, { url, frame, signal, marks: {}, complete: !url });
    this.labels = { scene: say("scene"), keyframe: say("keyframe: lossless here"), silence: say("silence") };
    this.on = remembered();
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Begin to ask. Finding marks is work for the server: what is seen first, pictures and peaks, comes first. */
  begin() {
    if (this.url && !this.signal.aborted) this.#ask(PATIENCE.least);
  }

  /** Turn it on or off, for the next clips too. */
  toggle() {
    this.on = !this.on;
    try {
      localStorage.setItem(REMEMBERED, this.on ? "on" : "off");
    } catch { /* then only for this page */ }
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** The mark that is nearest to a time, at most `within` away, as {time, label}; null when there is none or it is off. */
  near(time, within) {
    if (!this.on) return null;
    const at = this.#place(time);
    const found = [this.#sorted[at - 1], this.#sorted[at]].filter((mark) => mark && Math.abs(mark.time - time) <= within);
    const nearest = found.sort((a, b) => Math.abs(a.time - time) - Math.abs(b.time - time))[0];
    return nearest ? { time: nearest.time, label: this.#label(nearest) } : null;
  }

  /** What lies at a time, in words; "" for nothing. */
  name(time) {
    const at = this.#place(time - this.frame / 2);
    const mark = this.#sorted[at];
    return mark && Math.abs(mark.time - time) < this.frame / 2 ? this.#label(mark) : "";
  }

  /** The next mark after a time, or before it with a `direction` of −1; null when there is none. */
  next(time, direction = 1) {
    const beyond = time + (direction * this.frame) / 2;
    const at = this.#place(beyond);
    const mark = this.#sorted[direction > 0 ? at : at - 1];
    return mark ? { time: mark.time, label: this.#label(mark) } : null;
  }

  /** The last keyframe at or before a time; null while none is known. */
  keyframeBefore(time) {
    return this.marks.keyframes?.findLast((key) => key <= time + this.frame / 2) ?? null;
  }

  #label({ kinds }) {
    return kinds.map((kind) => this.labels[kind]).join(" · ");
  }

  // Where a time would stand among the marks.
  #place(time) {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle].time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #ask(wait) {
    let again = false;
    try {
      const response = await fetch(this.url, { signal: this.signal, headers: { Accept: "application/json" } });
      if (response.ok) this.#take(await response.json());
      again = response.status === 202;
    } catch (error) {
      if (error.name === "AbortError") return; // otherwise: marks are a help, not a condition
    }
    if (again) this.#timer = setTimeout(() => this.#ask(Math.min(PATIENCE.most, wait * 1.5)), wait);
    else {
      this.complete = true;
      this.dispatchEvent(new CustomEvent("change"));
    }
  }

  #take({ keyframes, scenes, silences }) {
    this.marks = { keyframes, scenes, silences };
    const kinds = new Map();
    const add = (time, kind) => {
      const frame = Math.round(time / this.frame);
      const at = kinds.get(frame) ?? { time: frame * this.frame, kinds: [] };
      if (!at.kinds.includes(kind)) at.kinds.push(kind);
      kinds.set(frame, at);
    };
    for (const time of scenes ?? []) add(time, "scene");
    for (const time of keyframes ?? []) add(time, "keyframe");
    for (const time of (silences ?? []).flat()) add(time, "silence");
    this.#sorted = [...kinds.values()].sort((a, b) => a.time - b.time);
    this.dispatchEvent(new CustomEvent("change"));
  }
}

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED) !== "off";
  } catch {
    return true;
  }
}
