// One clip being worked on: preview, timeline, typed times, outcome and quote speak to each other here.
import { api, idempotencyKey } from "./api.js";
import { Bar, undoing } from "./bar.js";
import { Cut } from "./cut.js";
import { all, announce, one } from "./dom.js";
import { CutFields, typedRange } from "./fields.js";
import { clock } from "./format.js";
import { History } from "./history.js";
import { loaded } from "./loaded.js";
import { Outcome } from "./outcome.js";
import { Parts } from "./parts.js";
import { Player } from "./player.js";
import { Quote } from "./quote.js";
import { shortcuts } from "./shortcuts.js";
import { Snapping } from "./snapping.js";
import { standIn } from "./standin.js";
import { Timeline } from "./timeline.js";
import { Tools } from "./tools.js";

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
    this.quote = new Quote(one("[data-quote]", form), { signal, notes: one("[data-quote-notes]", form), onQuote: () => this.fields?.clear(), onProblem: (error) => this.#blame(error), labelOf: (field) => this.#labelOf(field) });
    if (this.duration) this.#beginTimeline(signal);
    else if (this.data.media.width) this.#beginStill(signal);
    this.#beginPreview(signal);
    this.outcome.addEventListener("change", (event) => this.#outcomeChanged(event.detail), { signal });
    form.addEventListener("submit", (event) => { event.preventDefault(); this.convert(); }, { signal });
    this.outcome.choose(false);
    this.history?.resume();
    shortcuts(this, signal);
    form.editor = this; // for whoever looks into it: tests, and a console
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

  /** Show the next mark, or with −1 the one before. */
  toMark(direction) {
    const mark = this.snapping?.next(this.timeline.head, direction);
    if (!mark) return;
    this.#showAt(this.timeline.snap(mark.time));
    this.timeline.reveal(mark.time);
    announce(`${clock(mark.time)}, ${mark.label}`);
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
    const root = one("[data-timeline]", form);
    this.cut = new Cut({ duration, frame, width, height, picture: this.data.picture ?? duration, repeat: this.data.repeat, start: typed.start, length: typed.duration });
    this.#beginHistory();
    this.snapping = new Snapping(root.dataset.markers, { frame, signal });
    this.fields = new CutFields(form, this.cut, { signal });
    this.timeline = new Timeline(root, { duration, frame, tiles: this.data.tiles, snapping: this.snapping, signal });
    this.timeline.settled.then(() => this.snapping.begin());
    this.parts = new Parts(form, this.cut, { head: () => this.timeline.snap(this.timeline.head), signal });
    this.tools = new Tools(form, this.cut, { signal });
    this.bar = new Bar(form, this, { signal });
    this.cut.addEventListener("change", ({ detail }) => this.#cutChanged(detail), { signal });
    this.timeline.addEventListener("range", ({ detail: { start, end, part, final } }) => {
      const moved = part === "range";
      this.cut.set(start, moved ? this.cut.length : end - start, { chosen: !moved, settled: final });
      this.#preview(part === "out" ? Math.max(start, end - frame) : start, final);
    });
    this.timeline.addEventListener("head", ({ detail: { time, final } }) => this.#showAt(time, final));
    this.timeline.addEventListener("part", ({ detail }) => this.cut.choose(detail));
    for (const button of all("[data-step]", form)) button.addEventListener("click", () => this.step(Number(button.dataset.step)), { signal });
    one("[data-play-cut]", form).addEventListener("click", () => this.playCut(), { signal });
  }

  // A still picture has no time: what is cut of it is its frame alone.
  #beginStill(signal) {
    const { width, height } = this.data.media;
    this.cut = new Cut({ duration: null, frame: this.frame, width, height, repeat: this.data.repeat });
    this.#beginHistory();
    this.tools = new Tools(this.form, this.cut, { signal });
    undoing(this.form, this.history, signal);
    this.cut.addEventListener("change", () => { this.tools.show(); this.#ask(); }, { signal });
  }

  #beginHistory() {
    this.history = new History(`${this.data.upload}/${new URLSearchParams(location.search).get("job") ?? ""}`, this.cut);
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
    this.player.addEventListener("time", ({ detail }) => { this.timeline?.setHead(detail, { follow: true }); this.#showClock(detail); });
    this.player.addEventListener("state", () => this.#showPlaying());
    this.player.addEventListener("unplayable", fail);
    this.#showClock(0);
  }

  // What the browser can't play is replaced by a stand-in, once; where there is none, that is said.
  async #cannotShow() {
    if (this.waiting) return;
    this.playable = false;
    this.#showPlaying();
    const stage = one("[data-stage-box]", this.form);
    stage.classList.add("unplayable");
    let url = null;
    if (this.player && !this.replaced) {
      this.replaced = this.waiting = true;
      try {
        url = await standIn(stage, this.#gone.signal);
      } catch (error) {
        if (error.name === "AbortError") return; // the clip was left
        throw error;
      } finally {
        this.waiting = false;
      }
    }
    if (!url) {
      one("[data-unplayable]", this.form).hidden = false;
      return;
    }
    stage.classList.remove("unplayable");
    this.playable = true;
    this.player.replaceSource(url, this.timeline.head);
    this.#showPlaying();
  }

  // Not `final` is what a hand only passes by.
  #showAt(time, final = true) {
    this.player?.pause();
    this.timeline.setHead(time);
    if (this.playable) this.player.seek(time, final ? null : this.timeline.pictureAt(time));
    this.#showClock(time);
  }

  // While an edge is dragged the picture shows the frame under it; a running loop goes on inside the new cut.
  #preview(time, final) {
    if (!this.playable) return;
    if (!this.player.cut) this.#showAt(time, final);
    else if (final) this.player.playCut(this.#playingPart());
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
    const { cut } = this;
    this.fields.show();
    this.timeline.setMovable(cut.movable);
    this.timeline.setParts(cut.movable ? cut.parts : cut.used, cut.movable ? cut.active : 0);
    this.player?.setParts(this.#played());
    if (what !== "range") {
      this.tools.show();
      this.player?.setRate(this.tools.speed.disabled ? 1 : cut.speed);
    }
    this.parts.show();
    this.fields.askHowToFill(this.outcome.promoted());
    if (typed || what === "parts") this.#preview(cut.start, true);
    this.form.dispatchEvent(new CustomEvent("cutroom:cut", { bubbles: true, detail: { cut, what, settled } }));
    this.#ask();
  }

  // What is copied begins at the keyframe before its start: so it is played, too.
  #played() {
    const mode = this.outcome.params().mode ?? this.outcome.preset("mode");
    if (mode !== "copy") return this.cut.used;
    return this.cut.used.map((part) => ({ ...part, start: this.snapping.keyframeBefore(part.start) ?? part.start }));
  }

  // Where a loop goes on after a part was changed: with that part, if it plays at all.
  #playingPart() {
    return this.cut.several ? this.cut.active : 0;
  }

  #outcomeChanged(what) {
    if (what !== "outcome" || !this.cut) {
      if (this.cut) this.player?.setParts(this.#played());
      this.#ask();
      return;
    }
    const range = this.outcome.has("duration") || this.outcome.has("end");
    this.tools.use(this.outcome.chosen);
    this.cut.use({ range, parts: this.outcome.chosen.parts, length: this.outcome.preset("duration") });
  }

  #body() {
    const { operation, preset } = this.outcome.chosen;
    return { upload: this.data.upload, operation, preset, params: { ...this.outcome.params(), ...this.cut?.params(this.outcome.chosen) } };
  }

  #ask() {
    if (this.outcome.chosen) this.quote.ask(this.#body());
  }

  /** What people know a parameter by; empty where it has no field of its own. */
  #labelOf(name) {
    const { elements } = this.form;
    const field = elements.namedItem(`${this.outcome.chosen?.operation}.${name}`) ?? elements.namedItem(name);
    return field?.labels?.[0]?.textContent.trim() ?? "";
  }

  /** Put a refusal beside the field it names; false when no field of ours is meant. */
  #blame(error) {
    const sentence = error.sentence ?? String(error.message);
    const name = error.field === "end" ? "duration" : error.field;
    return Boolean(this.fields?.say(name, sentence) || this.tools?.say(name, sentence) || this.parts?.say(name, sentence)) || this.outcome.blame(name, sentence);
  }
}

loaded.Editor = Editor;

function frameOf(media) {
  if (!media.fps) return NO_RATE;
  const [over, under] = (media.frame_rate ?? "").split("/").map(Number);
  return over ? (under || 1) / over : 1 / media.fps;
}
