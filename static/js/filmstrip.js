// Pictures for the timeline: one sprite of the whole clip at first, finer ones of its parts when somebody looks closer.

const FINEST = 256; // the server cuts a clip into at most this many parts
const KEPT = 40; // sprites that are held
const PAUSE = 180; // milliseconds that a view must stand still before more is asked for

/** `onMore()` is called when a picture came that was wanted. */
export class Filmstrip {
  #sprites = new Map(); // "of/part" → {image, ready}
  #timer = 0;

  constructor(url, { duration, frame, tiles, first, signal, onMore }) {
    Object.assign(this, { url, duration, frame, tiles, signal, onMore });
    this.whole = { image: first, ready: false };
    this.#sprites.set("1/0", this.whole);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Width by height of one picture. */
  get shape() {
    const { naturalWidth, naturalHeight } = this.whole.image;
    return naturalWidth / this.tiles / naturalHeight || 1.6;
  }

  /** Whether nothing is asked for, nor will be while the view stands still. */
  get quiet() {
    return !this.#timer && [...this.#sprites.values()].every(({ ready }) => ready);
  }

  /** The best picture that is there for a time, and where in its sprite it lies. */
  at(time, level) {
    for (let of = level; of >= 1; of /= 2) {
      const place = Math.min(of - 1, Math.floor((time / this.duration) * of));
      const sprite = this.#sprites.get(`${of}/${place}`);
      if (!sprite?.ready) continue;
      const width = sprite.image.naturalWidth / this.tiles;
      const tile = Math.min(this.tiles - 1, Math.max(0, Math.floor(((time / this.duration) * of - place) * this.tiles)));
      return { image: sprite.image, x: tile * width, width, height: sprite.image.naturalHeight };
    }
    return null;
  }

  /** How many parts the clip is cut into for pictures that lie `each` seconds apart. */
  level(each) {
    let of = 1;
    while (of < FINEST && this.duration / (this.tiles * of) > each * 1.01 && this.duration / (this.tiles * of * 2) >= this.frame) of *= 2;
    return of;
  }

  /** Ask for what the view lacks, once it stands still. */
  want(view, level) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (level === 1) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      const first = Math.floor((view.from / this.duration) * level);
      const last = Math.min(level - 1, Math.floor((view.to / this.duration) * level));
      for (let part = first; part <= last; part += 1) this.#load(level, part);
    }, PAUSE);
  }

  #load(of, part) {
    const key = `${of}/${part}`;
    if (this.#sprites.has(key)) return;
    const image = new Image();
    const sprite = { image, ready: false };
    this.#sprites.set(key, sprite);
    image.addEventListener("load", () => { sprite.ready = true; this.onMore(); }, { signal: this.signal });
    image.addEventListener("error", () => this.#sprites.delete(key), { signal: this.signal });
    image.src = `${this.url}?part=${part}&of=${of}`;
    for (const old of this.#sprites.keys()) {
      if (this.#sprites.size <= KEPT) break;
      if (old !== "1/0" && old !== key) this.#sprites.delete(old);
    }
  }
}
