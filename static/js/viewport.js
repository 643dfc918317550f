// Which part of the clip the timeline shows, and where on it a time lies.

const FRAMES = 24; // the closest look shows this many frames
const EDGE = 0.08; // part of the width that stays between an edge and what is brought into view

/** Times are seconds, x and `width` CSS pixels from the left edge of the track. */
export class Viewport {
  constructor(duration, frame) {
    Object.assign(this, { duration, from: 0, span: duration, width: 1 });
    this.least = Math.min(duration, Math.max(frame * FRAMES, 0.25));
  }

  get to() {
    return this.from + this.span;
  }

  /** How many times closer than the whole clip. */
  get zoom() {
    return this.duration / this.span;
  }

  get whole() {
    return this.span >= this.duration * 0.9999;
  }

  get closest() {
    return this.span <= this.least * 1.0001;
  }

  x(time) {
    return ((time - this.from) / this.span) * this.width;
  }

  time(x) {
    return this.from + (x / this.width) * this.span;
  }

  /** Look `factor` times closer; the time `anchor` stays where it is. False when nothing changed. */
  zoomBy(factor, anchor) {
    const span = Math.min(this.duration, Math.max(this.least, this.span / factor));
    const share = (anchor - this.from) / this.span;
    return this.show(anchor - share * span, span);
  }

  /** Show `span` seconds from `from` on, as far as the clip allows. False when nothing changed. */
  show(from, span = this.span) {
    const begin = Math.min(Math.max(from, 0), this.duration - span);
    if (begin === this.from && span === this.span) return false;
    this.from = begin;
    this.span = span;
    return true;
  }

  /** Bring a time into view. False when it was. */
  reveal(time) {
    const room = this.span * EDGE;
    if (time < this.from + (this.from > 0 ? room : 0)) return this.show(time - room);
    if (time > this.to - (this.to < this.duration ? room : 0)) return this.show(time - this.span + room);
    return false;
  }
}
