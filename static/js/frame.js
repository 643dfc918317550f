// The picture as it will be made: cropped, turned, mirrored; and the rectangle with which a person crops it.
import { moved, pulled, whole } from "./croprect.js";
import { announce, one } from "./dom.js";
import { say } from "./words.js";

/** Event `crop` (detail: {rect, settled}) while the rectangle is moved, and `done`. */
export class Frame extends EventTarget {
  #drag = null;
  #asked = 0;

  constructor(stage, { width, height, signal }) {
    super();
    Object.assign(this, { bounds: { width, height }, signal, cropping: false, ratio: 0 });
    this.view = one("[data-view]", stage);
    this.turn = one(".turn", stage);
    this.crop = one("[data-crop]", stage);
    this.view.classList.add("framed");
    const on = (node, name, handler) => node.addEventListener(name, handler, { signal });
    on(this.crop, "pointerdown", (event) => this.#grab(event));
    on(this.crop, "pointermove", (event) => this.#pull(event));
    for (const end of ["pointerup", "pointercancel"]) on(this.crop, end, (event) => this.#drop(event));
    on(this.crop, "keydown", (event) => this.#key(event));
    signal.addEventListener("abort", () => cancelAnimationFrame(this.#asked));
  }

  /** Show the picture with these edits; while it is being cropped, all of it with the rectangle. */
  show({ crop, rotate, flip }) {
    this.rect = crop ?? { x: 0, y: 0, ...this.bounds };
    this.crop.hidden = !this.cropping;
    const seen = this.cropping ? { crop: null, rotate: 0, flip: "none" } : { crop, rotate, flip };
    const part = seen.crop ?? { x: 0, y: 0, ...this.bounds };
    const lying = seen.rotate % 180 !== 0;
    const ratio = lying ? part.height / part.width : part.width / part.height;
    const percent = (value) => `${(value * 100).toFixed(4)}%`;
    set(this.view, { "--ratio": ratio.toFixed(6) });
    set(this.turn, {
      "--tw": percent(lying ? part.width / part.height : 1),
      "--th": percent(lying ? part.height / part.width : 1),
      "--fx": seen.flip === "horizontal" || seen.flip === "both" ? "-1" : "1",
      "--fy": seen.flip === "vertical" || seen.flip === "both" ? "-1" : "1",
      "--turn": `${seen.rotate}deg`,
      "--x": percent(-part.x / part.width),
      "--y": percent(-part.y / part.height),
      "--w": percent(this.bounds.width / part.width),
      "--h": percent(this.bounds.height / part.height),
    });
    this.#outline();
  }

  #outline() {
    const { x, y, width, height } = this.rect;
    const percent = (value, whole_) => `${((value / whole_) * 100).toFixed(4)}%`;
    set(this.crop, { "--cx": percent(x, this.bounds.width), "--cy": percent(y, this.bounds.height), "--cw": percent(width, this.bounds.width), "--ch": percent(height, this.bounds.height) });
    this.crop.dataset.size = `${width} × ${height}`;
  }

  #take(rect, settled) {
    this.rect = rect;
    this.#outline();
    this.dispatchEvent(new CustomEvent("crop", { detail: { rect, settled } }));
  }

  #grab(event) {
    if (event.button !== 0 || this.#drag) return;
    event.preventDefault();
    this.crop.focus({ preventScroll: true });
    this.crop.setPointerCapture(event.pointerId);
    const scale = this.bounds.width / this.view.getBoundingClientRect().width;
    this.#drag = { pointer: event.pointerId, edge: event.target.dataset.edge, from: [event.clientX, event.clientY], rect: this.rect, scale };
  }

  #pull(event) {
    if (event.pointerId !== this.#drag?.pointer) return;
    const { from, scale } = this.#drag;
    this.#drag.by = [(event.clientX - from[0]) * scale, (event.clientY - from[1]) * scale];
    this.#asked ||= requestAnimationFrame(() => {
      this.#asked = 0;
      if (this.#drag) this.#take(this.#dragged(), false);
    });
  }

  #dragged() {
    const { rect, edge, by } = this.#drag;
    return edge ? pulled(rect, edge, by[0], by[1], this.ratio, this.bounds) : moved(rect, by[0], by[1], this.bounds);
  }

  #drop(event) {
    if (event.pointerId !== this.#drag?.pointer) return;
    const rect = this.#drag.by ? this.#dragged() : null;
    this.#drag = null;
    if (rect) this.#take(rect, true);
  }

  #key(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent("done"));
      return;
    }
    const by = event.shiftKey ? 10 : 1;
    const [dx, dy] = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key] ?? [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    event.stopPropagation();
    const rect = event.altKey || event.ctrlKey ? pulled(this.rect, dx ? "e" : "s", dx, dy, this.ratio, this.bounds) : moved(this.rect, dx, dy, this.bounds);
    this.#take(whole(rect, this.bounds), true);
    announce(say("%(width)s by %(height)s pixels, %(x)s from the left, %(y)s from above", rect));
  }
}

function set(node, values) {
  for (const [name, value] of Object.entries(values)) node.style.setProperty(name, value);
}
