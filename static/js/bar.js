// The row above the timeline: undo and redo, snapping and its marks, zoom; and the bar beneath it that moves the view.
import { all, one } from "./dom.js";
import { clock } from "./format.js";
import { say } from "./words.js";

/** Let the two buttons undo and redo, while there is something to. */
export function undoing(form, history, signal) {
  const [undo, redo] = [one("[data-undo]", form), one("[data-redo]", form)];
  const show = () => {
    undo.disabled = !history.canUndo;
    redo.disabled = !history.canRedo;
  };
  undo.addEventListener("click", () => history.undo(), { signal });
  redo.addEventListener("click", () => history.redo(), { signal });
  history.addEventListener("change", show, { signal });
  show();
}

/** Shows what the editor's timeline, history and snapping say, and steers them. */
export class Bar {
  constructor(form, editor, { signal }) {
    const { timeline, history, snapping } = editor;
    Object.assign(this, { form, timeline, history, snapping });
    const on = (node, name, handler) => node.addEventListener(name, handler, { signal });
    const press = (selector, act) => on(one(selector, form), "click", act);
    undoing(form, history, signal);
    press("[data-snap]", () => snapping.toggle());
    for (const button of all("[data-zoom]", form)) on(button, "click", () => timeline.zoom(Number(button.dataset.zoom)));
    for (const button of all("[data-mark]", form)) on(button, "click", () => editor.toMark(Number(button.dataset.mark)));
    on(snapping, "change", () => this.#showMarks());
    on(timeline, "view", () => this.#showView());
    this.scroll = one("[data-scroll]", form);
    on(this.scroll, "pointerdown", (event) => this.#grab(event));
    on(this.scroll, "pointermove", (event) => this.#pull(event));
    for (const end of ["pointerup", "pointercancel"]) on(this.scroll, end, () => { this.grabbed = null; });
    on(this.scroll, "keydown", (event) => this.#key(event));
    this.#showMarks();
    this.#showView();
  }

  #showMarks() {
    const { keyframes, scenes, silences } = this.snapping.marks;
    one("[data-snap]", this.form).setAttribute("aria-pressed", String(this.snapping.on));
    const some = Boolean(keyframes?.length || scenes?.length || silences?.length);
    for (const button of all("[data-mark]", this.form)) button.disabled = !some;
    one("[data-marks-note]", this.form).textContent = this.snapping.complete ? "" : say("Looking for scenes and silences…");
  }

  #showView() {
    const { view } = this.timeline;
    const { zoom } = view;
    one("[data-zoom-level]", this.form).textContent = `${zoom < 10 ? Number(zoom.toFixed(1)) : Math.round(zoom)}×`;
    one('[data-zoom="-1"]', this.form).disabled = view.whole;
    one('[data-zoom="1"]', this.form).disabled = view.closest;
    this.scroll.classList.toggle("idle", view.whole);
    this.scroll.tabIndex = view.whole ? -1 : 0;
    const room = view.duration - view.span;
    this.scroll.setAttribute("aria-valuenow", String(room > 0 ? Math.round((view.from / room) * 100) : 0));
    this.scroll.setAttribute("aria-valuetext", `${clock(view.from, 1)} – ${clock(view.to, 1)}`);
    const thumb = one("[data-thumb]", this.scroll);
    const wide = Math.max(28, (view.span / view.duration) * view.width);
    thumb.style.width = `${wide.toFixed(1)}px`;
    thumb.style.transform = `translateX(${(room > 0 ? (view.from / room) * (view.width - wide) : 0).toFixed(1)}px)`;
    this.travel = view.width - wide;
  }

  #grab(event) {
    const { view } = this.timeline;
    if (event.button !== 0 || view.whole) return;
    event.preventDefault();
    this.scroll.setPointerCapture(event.pointerId);
    // Beside the thumb: the view jumps there first.
    const room = view.duration - view.span;
    const x = event.clientX - this.scroll.getBoundingClientRect().left;
    const thumb = (view.from / room) * this.travel;
    const wide = view.width - this.travel;
    if (x < thumb || x > thumb + wide) this.timeline.panTo(((x - wide / 2) / this.travel) * room);
    this.grabbed = { x: event.clientX, from: view.from };
  }

  #pull(event) {
    if (!this.grabbed) return;
    const { view } = this.timeline;
    this.timeline.panTo(this.grabbed.from + ((event.clientX - this.grabbed.x) / Math.max(1, this.travel)) * (view.duration - view.span));
  }

  #key(event) {
    const shares = { ArrowLeft: -0.1, ArrowUp: -0.1, ArrowRight: 0.1, ArrowDown: 0.1, PageUp: -0.9, PageDown: 0.9, Home: -Infinity, End: Infinity };
    const share = shares[event.key];
    if (share === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (Number.isFinite(share)) this.timeline.pan(share);
    else this.timeline.panTo(share < 0 ? 0 : this.timeline.duration);
  }
}
