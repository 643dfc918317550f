// The ruler, filmstrip and waveform with two handles, the bar that moves the cut, and the playhead.
import { one } from "./dom.js";
import { clock, seconds } from "./format.js";
import { drawRuler, drawStrip, drawWave } from "./drawing.js";

const SECOND = 1;

/** Events: `range` (detail: {start, end, part, final}) and `head` (detail: seconds). Times are seconds, on frames. */
export class Timeline extends EventTarget {
  #frameAsked = 0;
  #peaks = null;
  #drag = null;

  constructor(root, { duration, frame, tiles, signal }) {
    super();
    Object.assign(this, { root, duration, frame, tiles, signal });
    this.track = one("[data-track]", root);
    this.start = 0;
    this.end = duration;
    this.head = 0;
    this.movable = true;
    this.nodes = { in: one("[data-handle=in]", root), out: one("[data-handle=out]", root), range: one("[data-range]", root), head: one("[data-playhead]", root) };
    this.#listen();
    this.#loadPictures();
    this.#loadPeaks();
    new ResizeObserver(() => this.redraw()).observe(this.track);
    document.addEventListener("cutroom:theme", () => this.redraw(), { signal });
    this.#place();
  }

  /** The nearest time that begins a frame. */
  snap(time) {
    return Math.min(Math.max(Math.round(time / this.frame) * this.frame, 0), this.duration);
  }

  /** Set the cut without telling anybody: whoever calls knows. */
  setRange(start, end) {
    this.start = start;
    this.end = end;
    this.#place();
  }

  /** Move the playhead without telling anybody. */
  setHead(time) {
    this.head = Math.min(Math.max(time, 0), this.duration);
    this.#place();
  }

  /** Whether the outcome takes a part at all; where it takes everything, the handles rest. */
  setMovable(movable) {
    this.movable = movable;
    this.root.classList.toggle("whole", !movable);
    for (const part of ["in", "out", "range"]) this.nodes[part].setAttribute("aria-disabled", String(!movable));
  }

  /** Draw everything anew: another size, other colours, pictures that came. */
  redraw() {
    drawRuler(one("[data-ruler]", this.root), this.duration);
    const strip = one("[data-strip]", this.root);
    if (strip && !strip.hidden) drawStrip(strip, one("[data-strip-image]", this.root), this.tiles);
    const wave = one("[data-wave]", this.root);
    if (wave) drawWave(wave, this.#peaks);
  }

  #listen() {
    const on = (node, name, handler) => node.addEventListener(name, handler, { signal: this.signal });
    for (const [part, node] of Object.entries(this.nodes)) {
      on(node, "pointerdown", (event) => this.#grab(event, part));
      on(node, "keydown", (event) => this.#key(event, part));
    }
    on(this.track, "pointerdown", (event) => this.#grab(event, "head"));
    on(this.track, "pointermove", (event) => this.#pull(event));
    for (const end of ["pointerup", "pointercancel"]) on(this.track, end, (event) => this.#drop(event));
  }

  #timeAt(x) {
    const box = this.track.getBoundingClientRect();
    return ((x - box.left) / box.width) * this.duration;
  }

  #grab(event, part) {
    if (event.button !== 0 || this.#drag || (part !== "head" && !this.movable)) return;
    event.stopPropagation();
    event.preventDefault();
    this.nodes[part].focus({ preventScroll: true });
    const origin = { in: this.start, out: this.end, range: this.start, head: this.#timeAt(event.clientX) }[part];
    this.#drag = { part, offset: part === "head" ? 0 : origin - this.#timeAt(event.clientX), pointer: event.pointerId };
    this.track.setPointerCapture(event.pointerId);
    this.root.classList.add("dragging");
    if (part === "head") this.#move("head", origin, false);
  }

  #pull(event) {
    if (!this.#drag || event.pointerId !== this.#drag.pointer) return;
    this.#drag.at = this.#timeAt(event.clientX) + this.#drag.offset;
    // One update a frame, however often the pointer reports.
    this.#frameAsked ||= requestAnimationFrame(() => {
      this.#frameAsked = 0;
      if (this.#drag) this.#move(this.#drag.part, this.#drag.at, false);
    });
  }

  #drop(event) {
    if (!this.#drag || event.pointerId !== this.#drag.pointer) return;
    const { part, at } = this.#drag;
    this.#drag = null;
    this.root.classList.remove("dragging");
    if (part === "head" && at === undefined) return;
    this.#move(part, at ?? { in: this.start, out: this.end, range: this.start }[part], true);
  }

  #key(event, part) {
    if (part !== "head" && !this.movable) return;
    const small = event.shiftKey ? SECOND : this.frame;
    const page = Math.max(SECOND, this.duration / 10);
    const steps = { ArrowLeft: -small, ArrowDown: -small, ArrowRight: small, ArrowUp: small, PageDown: -page, PageUp: page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const now = { in: this.start, out: this.end, range: this.start, head: this.head }[part];
    this.#move(part, Math.min(Math.max(now + steps[event.key], 0), this.duration), true);
  }

  #move(part, time, final) {
    const at = this.snap(time);
    if (part === "head") {
      this.setHead(Math.min(at, this.snap(this.duration - this.frame)));
      this.dispatchEvent(new CustomEvent("head", { detail: this.head }));
      return;
    }
    const length = this.end - this.start;
    if (part === "in") this.start = Math.min(at, this.end - this.frame);
    else if (part === "out") this.end = Math.max(at, this.start + this.frame);
    else {
      this.start = Math.max(0, Math.min(at, this.snap(this.duration - length)));
      this.end = Math.min(this.start + length, this.duration);
    }
    this.#place();
    this.dispatchEvent(new CustomEvent("range", { detail: { start: this.start, end: this.end, part, final } }));
  }

  #place() {
    const put = (name, time) => this.root.style.setProperty(name, String(time / this.duration));
    put("--in", this.start);
    put("--out", this.end);
    put("--head", this.head);
    const say = (node, time, text) => {
      node.setAttribute("aria-valuenow", time.toFixed(3));
      node.setAttribute("aria-valuetext", text);
    };
    say(this.nodes.in, this.start, clock(this.start));
    say(this.nodes.out, this.end, clock(this.end));
    say(this.nodes.head, this.head, clock(this.head));
    say(this.nodes.range, this.start, `${clock(this.start)} – ${clock(this.end)}`);
    this.nodes.range.dataset.length = seconds(this.end - this.start);
  }

  #loadPictures() {
    const image = one("[data-strip-image]", this.root);
    if (!image) return;
    const ready = () => {
      const strip = one("[data-strip]", this.root);
      strip.hidden = false;
      image.classList.add("drawn");
      this.redraw();
    };
    if (image.complete && image.naturalWidth) queueMicrotask(ready);
    else image.addEventListener("load", ready, { signal: this.signal });
    image.addEventListener("error", () => image.classList.add("drawn"), { signal: this.signal });
  }

  async #loadPeaks() {
    const url = this.root.dataset.waveform;
    if (!url) return;
    try {
      const response = await fetch(url, { signal: this.signal });
      const data = response.ok ? await response.json() : [];
      this.#peaks = Array.isArray(data) ? data : data.peaks;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#peaks = []; // the wave is a help, not a condition
    }
    this.redraw();
  }
}
