// The ruler, filmstrip and waveform with two handles, the bar that moves a part, the other parts, and the playhead.
//
// While something is dragged nothing is measured and nothing is drawn: sizes are known from the last change of layout,
// and what moves is moved by `transform`. `work` counts, so that a test can see it.
import { all, el, one } from "./dom.js";
import { drawMarks, drawRuler, drawStrip, drawWave, surface } from "./drawing.js";
import { Filmstrip } from "./filmstrip.js";
import { clock, seconds } from "./format.js";
import { Grip } from "./grip.js";
import { Viewport } from "./viewport.js";
import { say } from "./words.js";

const HANDLE = 14; // pixels that a handle is wide
const ZOOM = 2;

/** Events: `range` (detail: {start, end, part, final}), `head` (detail: {time, final}), `part` (detail: index), `view`. Times are seconds, on frames. */
export class Timeline extends EventTarget {
  #peaks = null;
  #level = 1; // how finely the strip is drawn
  #asked = 0;
  #said = new Map();
  #placed = {};
  #newBoxes = false;
  #marked = new Set();

  constructor(root, { duration, frame, tiles, snapping, signal }) {
    super();
    Object.assign(this, { root, duration, frame, snapping, signal, start: 0, end: duration, head: 0, movable: true, left: 0 });
    this.work = { measured: 0, drawn: 0, placed: 0 };
    this.view = new Viewport(duration, frame);
    this.track = one("[data-track]", root);
    this.others = one("[data-others]", root);
    this.boxes = [];
    this.nodes = { in: one("[data-handle=in]", root), out: one("[data-handle=out]", root), range: one("[data-range]", root), head: one("[data-playhead]", root) };
    this.shades = { before: one(".shade.before", root), after: one(".shade.after", root) };
    this.guide = one("[data-guide]", root);
    this.grip = new Grip(this, signal);
    /** Resolves when pictures and peaks are there, or will not come. */
    this.settled = Promise.all([this.#loadPictures(tiles), this.#loadPeaks()]);
    const sizes = new ResizeObserver(() => this.measure());
    sizes.observe(this.track);
    signal.addEventListener("abort", () => { sizes.disconnect(); cancelAnimationFrame(this.#asked); });
    document.addEventListener("cutroom:theme", () => this.measure(), { signal });
    snapping?.addEventListener("change", () => { this.#placed = {}; this.#place(); this.redraw(); }, { signal });
    this.measure();
  }

  /** The nearest time that begins a frame. */
  snap(time) {
    return Math.min(Math.max(Math.round(time / this.frame) * this.frame, 0), this.duration);
  }

  /** Show the parts without telling anybody: whoever calls knows. `active` is the one with the handles. */
  setParts(parts, active) {
    const { start, end } = parts[active];
    this.start = start;
    this.end = end;
    const others = parts.map((part, index) => ({ ...part, index })).filter((part) => part.index !== active);
    if (others.length !== this.boxes.length) this.#makeBoxes(others.length);
    others.forEach((part, at) => { this.boxes[at].holds = part; });
    this.#newBoxes ||= others.length > 0;
    this.#place();
  }

  /** Move the playhead without telling anybody. */
  setHead(time, { follow = false } = {}) {
    this.head = Math.min(Math.max(time, 0), this.duration);
    if (follow && !this.view.whole && (this.head < this.view.from || this.head > this.view.to) && this.view.show(this.head - this.view.span * 0.02)) this.#viewChanged();
    this.#place();
  }

  /** Whether the outcome takes a part at all; where it takes everything, the handles rest. */
  setMovable(movable) {
    this.movable = movable;
    this.root.classList.toggle("whole", !movable);
    for (const part of ["in", "out", "range"]) this.nodes[part].setAttribute("aria-disabled", String(!movable));
  }

  /** Look closer (`steps` above zero) or from further away, around the playhead or `anchor`. */
  zoom(steps, anchor) {
    const around = anchor ?? (this.head >= this.view.from && this.head <= this.view.to ? this.head : (this.view.from + this.view.to) / 2);
    if (this.view.zoomBy(ZOOM ** steps, around)) this.#viewChanged();
  }

  /** Show the whole clip. */
  zoomOut() {
    if (this.view.show(0, this.duration)) this.#viewChanged();
  }

  /** Move the view by a part of its own length. */
  pan(share) {
    if (this.view.show(this.view.from + share * this.view.span)) this.#viewChanged();
  }

  /** Show from `time` on, with the same length. */
  panTo(time) {
    if (this.view.show(time)) this.#viewChanged();
  }

  /** Bring a time into view. */
  reveal(time) {
    if (this.view.reveal(time)) this.#viewChanged();
  }

  /** Sizes or colours changed: look at them once, and draw. */
  measure() {
    this.work.measured += 1;
    const box = this.track.getBoundingClientRect();
    this.left = box.left;
    this.view.width = Math.max(1, box.width);
    this.surfaces = Object.fromEntries(all("canvas[data-canvas]", this.root).filter((canvas) => !canvas.hidden).map((canvas) => [canvas.dataset.canvas, surface(canvas)]));
    this.redraw();
    this.#place();
    this.dispatchEvent(new CustomEvent("view"));
  }

  /** Draw everything anew in the next frame: another view, pictures or marks that came. */
  redraw() {
    this.#asked ||= requestAnimationFrame(() => { this.#asked = 0; this.#draw(); });
  }

  /** Move a part of the cut, or the playhead, to a time; the nearest frame counts. */
  move(part, time, final) {
    const at = this.snap(time);
    if (part === "head") {
      this.setHead(Math.min(at, this.snap(this.duration - this.frame)));
      this.dispatchEvent(new CustomEvent("head", { detail: { time: this.head, final } }));
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

  /** What the filmstrip has for a time: {image, x, width, height}; null where there is no picture yet. */
  pictureAt(time) {
    return this.strip?.whole.ready ? this.strip.at(time, this.#level) : null;
  }

  /** Show where something is held fast, and by what; null hides it. */
  showGuide(mark) {
    if (!this.guide) return;
    this.guide.hidden = !mark;
    if (!mark) return;
    const x = this.view.x(mark.time);
    this.guide.style.transform = `translateX(${x.toFixed(1)}px)`;
    this.guide.dataset.label = mark.label;
    this.guide.classList.toggle("late", x > this.view.width * 0.7);
  }

  #draw() {
    this.work.drawn += 1;
    const { surfaces: on, view, strip } = this;
    drawRuler(on.ruler, view);
    if (on.strip && strip?.whole.ready) {
      const each = view.span / Math.max(1, Math.round(on.strip.width / (strip.shape * on.strip.height)));
      this.#level = strip.level(each);
      drawStrip(on.strip, view, strip.shape, (time) => strip.at(time, this.#level));
      strip.want(view, this.#level);
      this.#mark("cutroom:strip");
    }
    if (on.wave) drawWave(on.wave, view, this.#peaks);
    if (this.#peaks?.length) this.#mark("cutroom:peaks");
    if (on.marks) drawMarks(on.marks, view, this.snapping?.marks ?? {});
  }

  // When pictures and peaks stood first, for who measures (benchmarks/rows/page.py).
  #mark(name) {
    if (this.#marked.has(name)) return;
    this.#marked.add(name);
    performance.mark(name);
  }

  #viewChanged() {
    this.redraw();
    this.#place();
    this.dispatchEvent(new CustomEvent("view"));
  }

  // Only what moved is touched: of the several causes of one move most find that everything stands already.
  #place() {
    const { view, nodes, shades, start, end, head } = this;
    const seen = `${view.from} ${view.span} ${view.width}`;
    const moved = this.#placed.seen !== seen;
    const other = { in: moved || this.#placed.start !== start, out: moved || this.#placed.end !== end, head: moved || this.#placed.head !== head };
    this.#placed = { seen, start, end, head };
    if (moved || this.#newBoxes) for (const box of this.boxes) span(box, Math.max(view.x(box.holds.start), -4), Math.min(view.x(box.holds.end), view.width + 4));
    this.#newBoxes = false;
    if (!other.in && !other.out && !other.head) return;
    this.work.placed += 1;
    const [from, to] = [view.x(start), view.x(end)];
    const put = (node, x) => {
      node.style.transform = `translateX(${Math.min(Math.max(x, -40), view.width + 40).toFixed(1)}px)`;
      node.classList.toggle("away", x < -0.5 || x > view.width + 0.5);
    };
    if (other.head) put(nodes.head, view.x(head));
    if (other.in) {
      put(nodes.in, from);
      shades.before.style.transform = `translateX(${(Math.min(Math.max(from, 0), view.width) - view.width).toFixed(1)}px)`;
    }
    if (other.out) {
      put(nodes.out, to);
      shades.after.style.transform = `translateX(${Math.min(Math.max(to, 0), view.width).toFixed(1)}px)`;
    }
    if (other.in || other.out) {
      span(nodes.range, Math.max(from, 0) - HANDLE, Math.min(to, view.width) + HANDLE);
      nodes.range.classList.toggle("away", to < 0 || from > view.width);
    }
    this.#tell(other);
  }

  // What a screen reader hears; written only where it is new, as each write costs.
  #tell({ in: first, out: last, head }) {
    const tell = (node, time, text) => {
      if (this.#said.get(node) === text) return;
      this.#said.set(node, text);
      node.setAttribute("aria-valuenow", time.toFixed(3));
      node.setAttribute("aria-valuetext", text);
    };
    const named = (time) => [clock(time), this.snapping?.name(time)].filter(Boolean).join(", ");
    if (head) tell(this.nodes.head, this.head, clock(this.head));
    if (first) tell(this.nodes.in, this.start, named(this.start));
    if (last) tell(this.nodes.out, this.end, named(this.end));
    if (!first && !last) return;
    tell(this.nodes.range, this.start, `${clock(this.start)} – ${clock(this.end)}`);
    this.nodes.range.dataset.length = seconds(this.end - this.start);
  }

  #makeBoxes(count) {
    this.boxes = Array.from({ length: count }, () => {
      const box = el("div", "part-box");
      box.title = say("Take this part in hand");
      box.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || !this.movable) return;
        event.stopPropagation();
        this.dispatchEvent(new CustomEvent("part", { detail: box.holds.index }));
      });
      return box;
    });
    this.others.replaceChildren(...this.boxes);
  }

  #loadPictures(tiles) {
    const image = one("[data-strip-image]", this.root);
    if (!image) return Promise.resolve();
    this.strip = new Filmstrip(this.root.dataset.filmstrip, { duration: this.duration, frame: this.frame, tiles, first: image, signal: this.signal, onMore: () => this.redraw() });
    const ready = () => {
      this.strip.whole.ready = true;
      one("[data-strip]", this.root).hidden = false;
      image.classList.add("drawn");
      this.measure();
    };
    if (image.complete && image.naturalWidth) queueMicrotask(ready);
    else image.addEventListener("load", ready, { signal: this.signal });
    image.addEventListener("error", () => image.classList.add("drawn"), { signal: this.signal });
    return image.decode().catch(() => null); // refused where there is none: then nothing is waited for
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

function span(node, from, to) {
  node.style.transform = `translateX(${from.toFixed(1)}px)`;
  node.style.width = `${Math.max(0, to - from).toFixed(1)}px`;
}
