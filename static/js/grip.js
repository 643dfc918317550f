// Hands on the timeline: pointer, keys, wheel and two fingers.

const SECOND = 1;
const REACH = 9; // CSS pixels within which an edge is held by a mark
const WHEEL = 0.0022; // doublings for one pixel of a wheel

/** Moves a timeline's parts and its view. */
export class Grip {
  #frame = 0;
  #drag = null;
  #fingers = new Map();
  #pinch = null;

  constructor(timeline, signal) {
    this.timeline = timeline;
    const { nodes, track, root } = timeline;
    const on = (node, name, handler, options) => node.addEventListener(name, handler, { signal, ...options });
    for (const [part, node] of Object.entries(nodes)) {
      on(node, "pointerdown", (event) => this.#grab(event, part));
      on(node, "keydown", (event) => this.#key(event, part));
      // By keys only: under a pointer the view must not run away.
      on(node, "focus", () => node.matches(":focus-visible") && timeline.reveal(this.#now(part)));
    }
    on(track, "pointerdown", (event) => this.#grab(event, "head"));
    on(root, "pointerdown", (event) => this.#finger(event), { capture: true });
    on(root, "pointermove", (event) => this.#pull(event));
    for (const end of ["pointerup", "pointercancel"]) on(root, end, (event) => this.#drop(event));
    on(root, "wheel", (event) => this.#wheel(event), { passive: false });
    signal.addEventListener("abort", () => cancelAnimationFrame(this.#frame));
  }

  #now(part) {
    const { start, end, head } = this.timeline;
    return { in: start, out: end, range: start, head }[part];
  }

  #timeAt(x) {
    return this.timeline.view.time(x - this.timeline.left);
  }

  #grab(event, part) {
    const { timeline } = this;
    if (event.button !== 0 || this.#drag || (part !== "head" && !timeline.movable)) return;
    event.stopPropagation();
    event.preventDefault();
    timeline.left = timeline.track.getBoundingClientRect().left; // once for the whole drag: the page may have moved
    timeline.work.measured += 1;
    const pointed = this.#timeAt(event.clientX);
    const origin = part === "head" ? pointed : this.#now(part);
    this.#drag = { part, offset: origin - pointed, pointer: event.pointerId };
    timeline.nodes[part].focus({ preventScroll: true });
    timeline.track.setPointerCapture(event.pointerId);
    timeline.root.classList.add("dragging");
    if (part === "head") timeline.move("head", origin, false);
  }

  // A second finger turns a drag into a pinch.
  #finger(event) {
    if (event.pointerType !== "touch") return;
    this.#fingers.set(event.pointerId, event.clientX);
    if (this.#fingers.size < 2) return;
    event.stopPropagation();
    event.preventDefault();
    const { view, root, track } = this.timeline;
    if (this.#drag) root.classList.remove("dragging");
    this.#drag = null;
    this.timeline.left = track.getBoundingClientRect().left;
    const [a, b] = [...this.#fingers.values()];
    this.#pinch = { span: view.span, apart: Math.max(20, Math.abs(a - b)), time: this.#timeAt((a + b) / 2) };
  }

  #pull(event) {
    if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, event.clientX);
    if (this.#pinch && this.#fingers.size >= 2) return this.#soon(() => this.#spread());
    if (!this.#drag || event.pointerId !== this.#drag.pointer) return undefined;
    Object.assign(this.#drag, { at: this.#timeAt(event.clientX) + this.#drag.offset, free: event.altKey || event.shiftKey });
    return this.#soon(() => this.#drag && this.#move(false));
  }

  // One update a frame, however often the pointer reports.
  #soon(act) {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      act();
    });
  }

  #spread() {
    if (!this.#pinch || this.#fingers.size < 2) return;
    const { timeline } = this;
    const [a, b] = [...this.#fingers.values()];
    const wanted = this.#pinch.span / (Math.max(20, Math.abs(a - b)) / this.#pinch.apart);
    timeline.zoom(Math.log2(timeline.view.span / wanted), this.#pinch.time);
    timeline.panTo(this.#pinch.time - timeline.view.time((a + b) / 2 - timeline.left) + timeline.view.from);
  }

  #drop(event) {
    this.#fingers.delete(event.pointerId);
    if (this.#fingers.size < 2) this.#pinch = null;
    if (!this.#drag || event.pointerId !== this.#drag.pointer) return;
    const { at, part } = this.#drag;
    this.timeline.root.classList.remove("dragging");
    this.#drag.at = at ?? this.#now(part);
    this.#move(true);
    this.#drag = null;
    this.timeline.showGuide(null);
  }

  #move(final) {
    const { timeline } = this;
    const { part, at, free } = this.#drag;
    const held = free ? null : this.#held(part, at);
    timeline.move(part, held ? held.at : at, final);
    timeline.showGuide(held);
  }

  // The mark that holds an edge: of a part that moves whole, either end may be held.
  #held(part, at) {
    const { timeline } = this;
    const within = (REACH / timeline.view.width) * timeline.view.span;
    const length = part === "range" ? timeline.end - timeline.start : 0;
    const found = [at, ...(length ? [at + length] : [])]
      .map((time, index) => ({ mark: timeline.snapping?.near(time, within), index }))
      .filter(({ mark }) => mark)
      .map(({ mark, index }) => ({ ...mark, at: mark.time - index * length, off: Math.abs(mark.time - index * length - at) }));
    return found.sort((a, b) => a.off - b.off)[0] ?? null;
  }

  #key(event, part) {
    const { timeline } = this;
    if (part !== "head" && !timeline.movable) return;
    const small = event.shiftKey ? SECOND : timeline.frame;
    const page = Math.max(SECOND, timeline.view.span / 10);
    const steps = { ArrowLeft: -small, ArrowDown: -small, ArrowRight: small, ArrowUp: small, PageDown: -page, PageUp: page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    timeline.move(part, Math.min(Math.max(this.#now(part) + steps[event.key], 0), timeline.duration), true);
    timeline.reveal(this.#now(part));
  }

  #wheel(event) {
    const { timeline } = this;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      timeline.left = timeline.track.getBoundingClientRect().left;
      timeline.zoom(-event.deltaY * (event.deltaMode ? 16 : 1) * WHEEL, this.#timeAt(event.clientX));
      return;
    }
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (!sideways || timeline.view.whole || (!event.shiftKey && Math.abs(event.deltaY) > Math.abs(event.deltaX))) return;
    event.preventDefault();
    timeline.pan((sideways * (event.deltaMode ? 16 : 1)) / timeline.view.width);
  }
}
