// The preview: seeks that never pile up, and a loop over exactly the frames of the cut, part after part.
//
// To show one frame of a long GOP a browser decodes all before it, on the very cores that move the handle. So while a
// hand moves, a clip that is slow to seek shows the filmstrip's picture, and the frame itself as soon as the hand rests.
//
// A browser may show a frame or two past the end before a script hears of it. So while the cut plays, its
// frames are copied to a canvas that covers the video, and frames outside of the cut are not.

const QUICK = 60; // milliseconds: a seek that may follow a moving hand
const REST = 200; // and for how long a hand holds still before a slower one begins
const FAR = 0.5; // seconds: shorter ways may lie among the frames that are decoded anyway
const FADING = 0.8; // how much of an earlier, slower seek still counts: a machine may have been busy

/** Wraps a `<video>` or `<audio>`. Events: `time` (detail: seconds), `state`, `unplayable`. */
export class Player extends EventTarget {
  #wanted = null;
  #seeking = false;
  #began = 0;
  #far = false;
  #cost = Infinity; // milliseconds that a seek takes; unknown before the first
  #rest = 0;
  #hold = 0;
  #ticket = 0;
  #at = 0; // the part that plays
  #looping = false;

  constructor(media, { frame, signal }) {
    super();
    this.media = media;
    this.frame = frame;
    this.signal = signal;
    this.parts = [{ start: 0, end: Infinity }];
    this.rate = 1;
    this.exact = "requestVideoFrameCallback" in media;
    this.shown = 0;
    this.cover = null;
    media.controls = media.tagName === "AUDIO";
    const on = (name, handler) => media.addEventListener(name, handler, { signal });
    on("error", () => this.#unplayable());
    on("loadedmetadata", () => this.setRate(this.rate));
    on("loadedmetadata", () => this.#due()); // what was wished for before there was anything to seek in
    const unseen = () => media.tagName === "VIDEO" && media.videoWidth === 0;
    on("loadedmetadata", () => unseen() && this.#unplayable());
    on("seeked", () => this.#seeked());
    on("ended", () => this.cut && !this.#hold && this.#next());
    on("play", () => this.#changed());
    on("pause", () => this.#changed());
    on("click", () => media.tagName === "VIDEO" && this.toggle());
    signal.addEventListener("abort", () => this.#destroy());
    if (media.error || (media.readyState > 0 && unseen())) queueMicrotask(() => this.#unplayable());
    this.#watch();
  }

  /** The part that is played in a loop; null while there is no loop. */
  get cut() {
    return this.#looping ? this.parts[this.#at] : null;
  }

  /** Whether it runs, also in the moment between two rounds of the loop. */
  get playing() {
    return Boolean(this.cut) || !this.media.paused;
  }

  /** Show the frame at `time`; while one seek is under way only the newest wish is kept.
   *
   * `sketch` says that a hand is still moving, and is what the filmstrip has for the time: {image, x, width, height}.
   */
  seek(time, sketch = null) {
    clearTimeout(this.#rest);
    this.#rest = 0;
    this.#wanted = time;
    if (sketch && this.#cost > QUICK) {
      this.#draw(sketch.image, sketch);
      this.#rest = setTimeout(() => { this.#rest = 0; this.#due(); }, REST);
    } else this.#due();
  }

  /** Play from where the playhead is, or pause. */
  toggle() {
    if (this.playing) this.pause();
    else this.#play();
  }

  /** Stop everything that runs. */
  pause() {
    if (this.cut && this.exact) this.seek(this.shown); // what was seen last stays
    this.#looping = false;
    clearTimeout(this.#hold);
    this.media.pause();
    this.#changed();
  }

  /** Loop exactly the parts, one after the other, from the one with that index on, until paused. */
  playCut(index = 0) {
    this.#at = Math.min(index, this.parts.length - 1);
    this.#looping = true;
    this.#again();
    this.#changed();
  }

  /** The parts changed; a running loop follows at once. */
  setParts(parts) {
    this.parts = parts;
    this.#at = Math.min(this.#at, parts.length - 1);
  }

  /** How fast it plays; sound keeps its pitch. */
  setRate(rate) {
    this.rate = rate;
    this.media.defaultPlaybackRate = this.media.playbackRate = rate;
  }

  /** Show another file of the same times, at `time`. */
  replaceSource(url, time) {
    this.#seeking = false;
    this.#cost = Infinity;
    this.#wanted = time;
    this.media.addEventListener("loadeddata", () => this.#wanted !== null && this.#seekNow(), { once: true, signal: this.signal });
    this.media.src = url;
  }

  #play() {
    const playing = this.media.play();
    playing?.catch((error) => { // an interrupted play is no failure, a missing codec is
      if (error.name === "NotSupportedError") this.#unplayable();
    });
  }

  #due() {
    if (!this.#seeking && !this.#rest && this.#wanted !== null && this.media.readyState > 0) this.#seekNow();
  }

  #seekNow() {
    // A hair inside the frame, so that rounding in the container cannot show the one before.
    const inside = Math.min(this.frame / 4, 0.004);
    const target = Math.min(this.#wanted + inside, this.media.duration || Infinity);
    this.#wanted = null;
    this.#seeking = true;
    this.#began = performance.now();
    this.#far = Math.abs(target - this.media.currentTime) > FAR;
    this.media.currentTime = target;
  }

  #seeked() {
    this.#seeking = false;
    if (this.#far) this.#cost = Math.max(performance.now() - this.#began, Number.isFinite(this.#cost) ? this.#cost * FADING : 0);
    if (this.#wanted !== null) return this.#due();
    if (!this.cut) this.#uncover();
    if (!this.exact) this.#tell(this.media.currentTime); // otherwise the frame itself will tell
    if (this.cut && this.media.paused) this.#play();
    return undefined;
  }

  #again() {
    clearTimeout(this.#hold);
    this.#hold = 0;
    this.media.pause();
    this.seek(this.cut.start);
  }

  // The next part, or the first again. One that begins where this one ends is simply played into.
  #next() {
    const before = this.cut;
    this.#at = (this.#at + 1) % this.parts.length;
    if (this.#at > 0 && Math.abs(this.cut.start - before.end) < this.frame / 2 && !this.media.ended) return;
    this.#again();
  }

  #watch() {
    if (this.signal.aborted) return;
    if (this.exact) this.#ticket = this.media.requestVideoFrameCallback((_, meta) => { this.#frameShown(meta.mediaTime); this.#watch(); });
    else this.#ticket = requestAnimationFrame(() => { this.#passing(); this.#watch(); });
  }

  #frameShown(time) {
    if (!this.cut) {
      this.shown = time;
      // A frame of an earlier wish may come late: whoever asked for the newest one knows already where that is.
      if (this.#rest || (this.#seeking && this.#wanted !== null)) return;
      this.#uncover();
      if (!this.#seeking) this.#tell(time);
      return;
    }
    const half = this.frame / 2;
    const inside = time >= this.cut.start - half && time < this.cut.end - half;
    if (inside) {
      this.#copy();
      this.#tell(time);
    }
    if (this.#seeking || this.#hold || this.media.paused) return;
    if (!inside) this.#next();
    else if (time + this.frame >= this.cut.end - half && !this.#runsOn()) {
      // The last frame of the part is on screen: hold it for its time, then go on. Nothing beyond it is shown.
      this.media.pause();
      this.#hold = setTimeout(() => { this.#hold = 0; if (this.cut) this.#next(); }, (this.frame * 1000) / this.media.playbackRate);
    }
  }

  // Whether the next part begins with the very next frame.
  #runsOn() {
    const next = this.parts[this.#at + 1];
    if (!next || Math.abs(next.start - this.cut.end) >= this.frame / 2) return false;
    this.#at += 1;
    return true;
  }

  #copy() {
    const { videoWidth: width, videoHeight: height } = this.media;
    this.#draw(this.media, { x: 0, width, height });
  }

  // Lay a part of a picture over the video.
  #draw(image, { x, width, height }) {
    if (!this.cover) {
      this.cover = Object.assign(document.createElement("canvas"), { className: "cover" });
      this.cover.setAttribute("aria-hidden", "true");
      this.media.after(this.cover);
    }
    if (this.cover.width !== width || this.cover.height !== height) Object.assign(this.cover, { width, height });
    this.cover.getContext("2d").drawImage(image, x, 0, width, height, 0, 0, width, height);
  }

  #uncover() {
    this.cover?.remove();
    this.cover = null;
  }

  #passing() {
    if (this.media.paused) return;
    this.#tell(this.media.currentTime);
    if (this.cut && !this.#seeking && this.media.currentTime >= this.cut.end) this.#next();
  }

  #tell(time) {
    this.shown = time;
    this.dispatchEvent(new CustomEvent("time", { detail: time }));
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("state"));
  }

  #unplayable() {
    this.#looping = false;
    this.dispatchEvent(new CustomEvent("unplayable"));
  }

  #destroy() {
    clearTimeout(this.#hold);
    clearTimeout(this.#rest);
    if (this.exact) this.media.cancelVideoFrameCallback(this.#ticket);
    else cancelAnimationFrame(this.#ticket);
    this.media.pause();
    this.media.removeAttribute("src");
    this.media.load();
  }
}
