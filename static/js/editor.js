// One clip being worked on: preview, timeline, typed times, outcome and quote speak to each other here.
import { api, idempotencyKey } from "./api.js";
import { Cut } from "./cut.js";
import { all, one } from "./dom.js";
import { CutFields, typedRange } from "./fields.js";
import { clock } from "./format.js";
import { Outcome } from "./outcome.js";
import { Player } from "./player.js";
import { Quote } from "./quote.js";
import { shortcuts } from "./shortcuts.js";
import { Timeline } from "./timeline.js";

const NO_RATE = 0.01; // sounds have no frames; they move in hundredths

/** Takes over the form that the server drew. `onJob(job)` is called when a job was made. */
export class Editor {
  #gone = new AbortController();
  #key = null;

  constructor(form, { onJob }) {
    this.form = form;
    this.onJob = onJob;
    this.data = JSON.parse(one("#editor-data").textContent);
    this.duration = this.data.media.duration;
    this.frame = frameOf(this.data.media);
    this.playable = false;
    const { signal } = this.#gone;
    this.outcome = new Outcome(form, { data: this.data, signal });
    this.quote = new Quote(one("[data-quote]", form), { signal, notes: one("[data-quote-notes]", form), onQuote: () => this.fields?.clear(), onProblem: (error) => this.#blame(error) });
    if (this.duration) this.#beginTimeline(signal);
    this.#beginPreview(signal);
    this.outcome.addEventListener("change", (event) => this.#outcomeChanged(event.detail), { signal });
    form.addEventListener("submit", (event) => { event.preventDefault(); this.convert(); }, { signal });
    this.outcome.choose(false);
    shortcuts(this, signal);
  }

  /** Leave no timers, listeners or sounds behind. */
  destroy() {
    this.#gone.abort();
  }

  /** Make the job. A second press while the first is under way does nothing; a repeat after a lost answer makes no second job. */
  async convert() {
    const button = one("[data-go]", this.form);
    if (button.disabled || !this.outcome.chosen || (this.fields && !this.fields.valid())) return;
    button.disabled = true;
    this.#key ??= idempotencyKey();
    try {
      const job = await api("jobs/", { method: "POST", body: this.#body(), headers: { "Idempotency-Key": this.#key } });
      this.#key = null;
      this.player?.pause();
      await this.onJob(job);
    } catch (error) {
      if (error.status) this.#key = null; // the server answered: the next press is a new wish
      if (!this.#blame(error)) this.quote.refuse(error);
    } finally {
      button.disabled = false;
    }
  }

  /** Move an edge of the cut to the playhead. */
  mark(edge) {
    if (!this.cut?.movable) return;
    const at = this.timeline.snap(this.timeline.head);
    const start = edge === "in" ? at : Math.max(0, Math.min(this.cut.start, at - this.frame));
    const end = edge === "in" ? Math.max(this.cut.end, at + this.frame) : Math.max(at, start + this.frame);
    this.cut.set(start, end - start, { chosen: true });
  }

  /** Show the frame `count` further on. */
  step(count) {
    if (!this.timeline) return;
    const at = Math.min(this.timeline.snap(this.timeline.head + count * this.frame), this.duration - this.frame);
    this.#showAt(at);
  }

  /** Loop the cut, or stop. */
  playCut() {
    if (!this.playable) return;
    if (this.player.playing) this.player.pause();
    else this.player.playCut();
  }

  #beginTimeline(signal) {
    const { duration, frame, form } = this;
    const { width, height } = this.data.media;
    const typed = typedRange(form);
    this.cut = new Cut({ duration, frame, width, height, picture: this.data.picture ?? duration, repeat: this.data.repeat, start: typed.start, length: typed.duration });
    this.fields = new CutFields(form, this.cut, { signal });
    this.timeline = new Timeline(one("[data-timeline]", form), { duration, frame, tiles: this.data.tiles, signal });
    this.cut.addEventListener("change", ({ detail }) => this.#cutChanged(detail), { signal });
    this.timeline.addEventListener("range", ({ detail: { start, end, part, final } }) => {
      const moved = part === "range";
      this.cut.set(start, moved ? this.cut.length : end - start, { chosen: !moved, settled: final });
      this.#preview(part === "out" ? Math.max(start, end - frame) : start, final);
    });
    this.timeline.addEventListener("head", ({ detail }) => this.#showAt(detail));
    for (const button of all("[data-step]", form)) button.addEventListener("click", () => this.step(Number(button.dataset.step)), { signal });
    one("[data-play-cut]", form).addEventListener("click", () => this.playCut(), { signal });
  }

  #beginPreview(signal) {
    const media = one("[data-player]", this.form);
    const picture = one("[data-picture]", this.form);
    const fail = () => this.#cannotShow();
    picture?.addEventListener("error", fail, { signal });
    if (picture?.complete && !picture.naturalWidth) fail();
    if (!media) {
      // A picture needs no transport, and an animation plays by itself and cannot be steered.
      for (const part of [".transport-play", "[data-playhead]", ".keys"]) one(part, this.form)?.remove();
      return;
    }
    this.playable = true;
    this.player = new Player(media, { frame: this.frame, signal });
    this.player.addEventListener("time", ({ detail }) => { this.timeline?.setHead(detail); this.#showClock(detail); });
    this.player.addEventListener("state", () => this.#showPlaying());
    this.player.addEventListener("unplayable", fail);
    this.#showClock(0);
  }

  #cannotShow() {
    this.playable = false;
    one("[data-unplayable]", this.form).hidden = false;
    one("[data-stage-box]", this.form).classList.add("unplayable");
    this.#showPlaying();
  }

  #showAt(time) {
    this.player?.pause();
    this.timeline.setHead(time);
    if (this.playable) this.player.seek(time);
    this.#showClock(time);
  }

  // While an edge is dragged the picture shows the frame under it; a running loop goes on inside the new cut.
  #preview(time, final) {
    if (!this.playable) return;
    if (!this.player.cut) this.#showAt(time);
    else if (final) this.player.playCut();
  }

  #showClock(time) {
    const output = one("[data-clock]", this.form);
    if (output) output.textContent = `${clock(time, 2)} / ${clock(this.duration, 2)}`;
  }

  #showPlaying() {
    const button = one("[data-play-cut]", this.form);
    button?.setAttribute("aria-pressed", String(Boolean(this.player?.cut)));
    if (button) button.disabled = !this.playable;
  }

  #cutChanged({ what, typed, settled }) {
    const { start, end } = this.cut;
    this.fields.show();
    this.timeline.setRange(start, end);
    this.player?.setRange({ start, end });
    this.fields.askHowToFill(this.outcome.promoted());
    if (typed) this.#preview(start, true);
    this.form.dispatchEvent(new CustomEvent("cutroom:cut", { bubbles: true, detail: { cut: this.cut, what, settled } }));
    this.#ask();
  }

  #outcomeChanged(what) {
    if (what !== "outcome" || !this.cut) {
      this.#ask();
      return;
    }
    const range = this.outcome.has("duration") || this.outcome.has("end");
    this.timeline.setMovable(range);
    this.cut.use({ range, parts: this.outcome.chosen.parts, length: this.outcome.preset("duration") });
  }

  #body() {
    const { operation, preset } = this.outcome.chosen;
    return { upload: this.data.upload, operation, preset, params: { ...this.outcome.params(), ...this.cut?.params(this.outcome.chosen) } };
  }

  #ask() {
    if (this.outcome.chosen) this.quote.ask(this.#body());
  }

  /** Put a refusal beside the field it names; false when no field of ours is meant. */
  #blame(error) {
    const detail = error.detail ?? String(error.message);
    const name = error.field === "end" ? "duration" : error.field;
    const bare = detail.startsWith(`${error.field}: `) ? detail.slice(error.field.length + 2) : detail;
    const sentence = bare.charAt(0).toUpperCase() + bare.slice(1);
    return Boolean(this.fields?.say(name, sentence)) || this.outcome.blame(name, sentence);
  }
}

function frameOf(media) {
  if (!media.fps) return NO_RATE;
  const [over, under] = (media.frame_rate ?? "").split("/").map(Number);
  return over ? (under || 1) / over : 1 / media.fps;
}
