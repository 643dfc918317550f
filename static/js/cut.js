// The cut: which parts of the clip, and what is done to its picture and pace on the way. Numbers only; it knows no element.
//
// For whoever previews, quotes or converts:
//   parts           [{start, end}] in seconds on frames, in the order in which they are joined; empty for a still picture
//   used            the same, as the chosen outcome takes it: all parts, only the active one, or the whole clip
//   active          index of the part under hand; start, length and end are its own (length may be more than the clip has)
//   seconds         how long the result lasts, with its speed
//   crop            {x, y, width, height} in whole pixels of the upright picture; null keeps all of it
//   rotate          0, 90, 180 or 270 degrees clockwise, after the crop
//   flip            "none", "horizontal", "vertical" or "both", after turning
//   speed, reverse  2 is twice as fast; true begins with the last picture
//   params(card)    all of it as the API's parameters, as far as that card's operation has them
//   event `change`  detail {what, settled, typed, auto}: what is "range", "parts", "picture", "pace", "use" or "all";
//                   settled is false while something is still dragged; auto where no person asked for it
// The editor passes every change on as `cutroom:cut` on its form (it bubbles; detail: {cut, what, settled}).

import { mirrored, turned } from "./croprect.js";

const EPSILON = 1e-6;
/** Of the operations: what may be done to a picture and its pace, and what leaves it as it is. */
export const PLAIN = Object.freeze({ crop: null, rotate: 0, flip: "none", speed: 1, reverse: false });
/** Whether an operation with these parameters does crop, rotate, flip and reverse as we mean them (that for still pictures has a crop of another kind). */
export const takesPicture = (known) => "reverse" in known && "crop" in known;
/** Whether it is the operation for still pictures, which turns and mirrors first and crops what then is there: `800x600+10+20`. */
export const takesStill = (known) => "crop" in known && "rotate" in known && "flip" in known && !("reverse" in known);
const exact = (time) => Number(time.toFixed(6));

/** Times are seconds. `duration` is null for a still picture; `width` and `height` are those of the upright picture. */
export class Cut extends EventTarget {
  #parts = [];
  #active = 0;
  #takes = { range: true, parts: 1, length: null };

  constructor({ duration, picture, frame, width = 0, height = 0, repeat = null, start = 0, length = NaN }) {
    super();
    Object.assign(this, { duration, picture, frame, width, height, chosen: false }, PLAIN);
    if (duration) this.#parts = [{ start: start < duration ? start : 0, length: Number.isFinite(length) ? length : duration }];
    this.chosen = Number.isFinite(length);
    if (repeat) this.#repeat(repeat);
  }

  get parts() {
    return this.#parts.map((part) => ({ start: part.start, end: Math.min(part.start + part.length, this.duration) }));
  }

  get used() {
    if (!this.#parts.length) return [];
    if (!this.#takes.range) return [{ start: 0, end: this.duration }];
    return this.#takes.parts > 1 ? this.parts : [this.parts[this.#active]];
  }

  get active() {
    return this.#active;
  }

  get start() {
    return this.#takes.range ? this.#parts[this.#active].start : 0;
  }

  get length() {
    return this.#takes.range ? this.#parts[this.#active].length : this.duration;
  }

  /** Where the active part ends inside the clip. */
  get end() {
    return Math.min(this.start + this.length, this.duration);
  }

  get seconds() {
    const one = this.used.length === 1 && this.#takes.range;
    return (one ? this.length : this.used.reduce((sum, part) => sum + part.end - part.start, 0)) / this.speed;
  }

  /** Whether the outcome takes a part at all. */
  get movable() {
    return this.#takes.range;
  }

  /** Whether all parts go into the outcome. */
  get several() {
    return this.#takes.range && this.#takes.parts > 1;
  }

  /** Whether the clip's picture, which may end before its sound, ends before what is asked for is full. */
  get short() {
    return this.length > this.picture - this.start + this.frame * 0.75 && !this.untilEnd;
  }

  /** Whether the active part goes on until the clip's end. */
  get untilEnd() {
    return Math.abs(this.start + this.length - this.duration) < this.frame / 2;
  }

  /** Whether anything is done to the picture or its pace. */
  get plain() {
    return Object.entries(PLAIN).every(([name, value]) => this[name] === value);
  }

  /** Set the active part; `chosen` tells that a person wants this length, so that no card changes it any more. */
  set(start, length, { chosen = false, typed = false, settled = true, auto = false } = {}) {
    Object.assign(this.#parts[this.#active], { start, length });
    this.chosen ||= chosen;
    this.#changed("range", { typed, settled, auto });
  }

  /** Set one part from where to where; it becomes the active one. */
  setPart(index, { start, end }, how = {}) {
    this.#active = index;
    this.set(start, end - start, { chosen: true, ...how });
  }

  /** Take another part in hand. */
  choose(index, how = {}) {
    this.#active = index;
    this.#changed("parts", { auto: true, ...how }); // nothing is cut otherwise: no step to be undone
  }

  /** Add a part behind the active one and take it in hand. */
  add({ start, end }) {
    // A length that was meant to be filled up is no part among others.
    this.#parts = this.#parts.map((part) => ({ start: part.start, length: Math.min(part.length, this.duration - part.start) }));
    this.#parts.splice(this.#active + 1, 0, { start, length: end - start });
    this.#active += 1;
    this.chosen = true;
    this.#changed("parts");
  }

  /** Make two of the active part; false when `at` is not inside of it. */
  split(at) {
    const { start, end } = this.parts[this.#active];
    if (at < start + this.frame / 2 || at > end - this.frame / 2) return false;
    this.#parts[this.#active].length = at - start;
    this.add({ start: at, end });
    return true;
  }

  /** Take a part out; the last one stays. */
  remove(index) {
    if (this.#parts.length < 2) return;
    this.#parts.splice(index, 1);
    this.#active = Math.min(this.#active > index ? this.#active - 1 : this.#active, this.#parts.length - 1);
    this.#changed("parts");
  }

  /** Set any of crop, rotate, flip, speed, reverse. */
  edit(changes, { settled = true } = {}) {
    Object.assign(this, changes);
    this.#changed(Object.keys(changes).some((name) => name === "speed" || name === "reverse") ? "pace" : "picture", { settled });
  }

  /** What the outcome takes: nothing but the whole clip, a part, several; and the length that it would like (null: to the end). */
  use({ range, parts = 1, length = null }) {
    this.#takes = { range, parts, length };
    this.#suggest();
    this.#changed("use", { auto: true });
  }

  /** The API's parameters for a card: `card.params` are its effective values by name, `card.parts` how many parts it takes. */
  params({ params: known, parts: most = 1 }) {
    return { ...this.#range(known, most), ...this.#edits(known) };
  }

  /** All of it, JSON-able, for `restore`. */
  snapshot() {
    const { chosen, crop, rotate, flip, speed, reverse } = this;
    return { parts: this.#parts.map((part) => ({ ...part })), active: this.#active, chosen, crop: crop && { ...crop }, rotate, flip, speed, reverse };
  }

  /** Take over a snapshot. */
  restore({ parts, active, ...rest }) {
    this.#parts = parts.map((part) => ({ ...part }));
    this.#active = Math.min(active, parts.length - 1);
    Object.assign(this, PLAIN, rest);
    this.#suggest();
    this.#changed("all", { auto: true });
  }

  // A card's length is taken unless a person chose one; the start moves only to make room.
  #suggest() {
    if (this.chosen || !this.#takes.range || !this.#parts.length) return;
    const part = this.#parts[this.#active];
    const length = this.#takes.length ?? this.duration - part.start;
    const latest = Math.floor((this.duration - length) / this.frame + EPSILON) * this.frame;
    this.#parts[this.#active] = { start: Math.max(0, Math.min(part.start, latest)), length };
  }

  #range(known, most) {
    if (!this.#parts.length) return {};
    if (most > 1 && this.#parts.length > 1) return { ranges: this.parts.map(({ start, end }) => ({ start: exact(start), end: exact(end) })) };
    const given = {};
    if ("start" in known) given.start = exact(this.start);
    if ("duration" in known) given.duration = this.untilEnd && known.duration === null ? null : exact(this.length);
    else if ("end" in known) given.end = this.untilEnd ? null : exact(this.end);
    return given;
  }

  #edits(known) {
    const { crop, rotate, flip, speed, reverse } = this;
    const given = {};
    if (speed !== 1 && typeof known.speed === "number") given.speed = speed; // another operation's speed is a word
    if (takesStill(known)) return { ...given, ...this.#still() };
    if (!takesPicture(known)) return given;
    if (crop) given.crop = [crop.x, crop.y, crop.width, crop.height].join(",");
    if (rotate) given.rotate = String(rotate);
    if (flip !== "none") given.flip = flip;
    if (reverse) given.reverse = true;
    return given;
  }

  // The same in the order of the operation for stills, which knows no mirroring both ways: that is half a turn.
  #still() {
    const both = this.flip === "both";
    const rotate = (this.rotate + (both ? 180 : 0)) % 360;
    const flip = both ? "none" : this.flip;
    const given = {};
    if (rotate) given.rotate = String(rotate);
    if (flip !== "none") given.flip = flip;
    if (this.crop) {
      const { x, y, width, height } = mirrored(turned(this.crop, rotate, this), flip, lying(this, rotate));
      given.crop = `${width}x${height}+${x}+${y}`;
    }
    return given;
  }

  // The cut of a job that is to be repeated; without a range in its parameters, everything.
  #repeat({ start, duration, end, ranges, crop, rotate, flip, speed, reverse }) {
    if (this.duration) {
      const from = start ?? 0;
      const several = ranges?.length ? ranges.map((one) => ({ start: one.start ?? 0, length: (one.end ?? this.duration) - (one.start ?? 0) })) : null;
      this.#parts = several ?? [{ start: from, length: duration ?? (end ?? this.duration) - from }];
      this.chosen = true;
    }
    const [x, y, width, height] = /^\d+(,\d+){3}$/.test(crop ?? "") ? crop.split(",").map(Number) : [];
    if (width) this.crop = { x, y, width, height };
    const [, wide, high, left, top] = /^(\d+)[x×](\d+)\+(\d+)\+(\d+)$/.exec(crop ?? "")?.map(Number) ?? [];
    if (wide) {
      const [degrees, seen] = [Number(rotate ?? 0), lying(this, Number(rotate ?? 0))];
      this.crop = turned(mirrored({ x: left, y: top, width: wide, height: high }, flip, seen), (360 - degrees) % 360, seen);
    }
    if (rotate) this.rotate = Number(rotate);
    if (flip) this.flip = flip;
    if (typeof speed === "number") this.speed = speed;
    if (reverse === true) this.reverse = true;
  }

  #changed(what, { typed = false, settled = true, auto = false } = {}) {
    this.dispatchEvent(new CustomEvent("change", { detail: { what, typed, settled, auto } }));
  }
}

/** Width and height of a picture after it was turned. */
function lying({ width, height }, degrees) {
  return degrees % 180 ? { width: height, height: width } : { width, height };
}
