// The loop doctor: finds where the cut goes round best, moves the handles there, and plays the seam.
import { all, el, one } from "./dom.js";
import { clock, seconds } from "./format.js";
import { addressOf, follow } from "./stream.js";
import { say } from "./words.js";

const NEAR = 1; // seconds that both ends may move
const AROUND = 1; // seconds that are played before and after the seam
const TIMES = 3;

/** Offers itself where the chosen outcome goes round. Follows `cutroom:outcome`, `cutroom:ask` and `cutroom:cut`; how it is joined goes out as `cutroom:apply`. */
export class Doctor {
  #asking = null;
  #upload = "";
  #chosen = null;
  #url = "";
  #own = false; // the cut moves because we moved it

  constructor(form, { signal }) {
    this.form = form;
    this.box = one("[data-doctor]", form);
    if (!this.box) return;
    this.signal = signal;
    const on = (target, name, act) => target.addEventListener(name, act, { signal });
    on(form, "cutroom:outcome", ({ detail }) => this.#offer(detail));
    on(form, "cutroom:ask", ({ detail }) => { this.#upload = detail.upload; });
    on(form, "cutroom:cut", ({ detail }) => this.#moved(detail.cut));
    on(one("[data-doctor-go]", this.box), "click", () => this.#find());
    on(one("[data-doctor-play]", this.box), "click", () => this.#play());
    for (const radio of all("[data-doctor-mode]", this.box)) on(radio, "change", (event) => { event.stopPropagation(); this.#join(); });
    signal.addEventListener("abort", () => this.#drop());
  }

  #offer(chosen) {
    this.#chosen = chosen;
    const known = chosen?.params ?? {};
    this.box.hidden = !("pingpong" in known || "search" in known) || known.report === true;
  }

  #moved(cut) {
    this.cut = cut;
    if (!this.#own) this.#drop();
  }

  #drop() {
    this.#stop();
    one("[data-doctor-list]", this.box).replaceChildren();
    one("[data-doctor-join]", this.box).hidden = true;
  }

  #stop() {
    this.#asking?.abort();
    this.#asking = null;
    const video = one("[data-doctor-video]", this.box);
    video.pause();
    video.removeAttribute("src");
    video.hidden = true;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
    this.box.removeAttribute("aria-busy");
  }

  #find() {
    this.#drop();
    this.#ask({ search: NEAR }, say("Looking for the seam…"));
  }

  #play() {
    this.#stop();
    this.#ask({ mode: this.#mode }, say("Drawing the seam…"));
  }

  get #mode() {
    return all("[data-doctor-mode]", this.box).find((radio) => radio.checked).value;
  }

  async #ask(more, sentence) {
    if (!this.cut) return;
    const asking = new AbortController();
    this.#asking = asking;
    this.box.setAttribute("aria-busy", "true");
    this.#tell(sentence);
    const { start, end } = this.cut;
    try {
      await follow("tryouts/seams/", { upload: this.#upload, start, end, ...more }, asking.signal, (event) => this.#told(event));
    } catch (error) {
      if (error.name !== "AbortError") this.#tell(error.sentence ?? say("The connection to the server was lost."), true);
    } finally {
      if (this.#asking === asking) this.box.removeAttribute("aria-busy");
    }
  }

  #told(event) {
    if (event.event === "seams") this.#list(event.seams);
    else if (event.event === "loop") this.#show(event);
    else if (event.event === "problem") this.#tell(event.detail, true);
  }

  #list(found) {
    this.#tell(say("The best one stands first. Taking one moves the handles; undo brings them back."));
    const items = found.map((seam) => {
      const item = el("li", "doctor-seam");
      const text = el("p", "num", `${clock(seam.start)} – ${clock(seam.end)} · ${seconds(seam.duration)}`);
      const words = el("p", "help", say("%(words)s (%(score)s of 100)", { words: say(seam.words), score: Math.round(seam.score) }));
      const use = el("button", "button small", say("Use this"));
      use.type = "button";
      use.addEventListener("click", () => this.#use(seam, use));
      const box = el("div");
      box.append(text, words);
      item.append(box, use);
      return item;
    });
    one("[data-doctor-list]", this.box).replaceChildren(...items);
  }

  #use(seam, button) {
    for (const other of all(".doctor-seam button", this.box)) other.setAttribute("aria-pressed", String(other === button));
    this.#stop();
    this.#own = true;
    this.cut.set(seam.start, seam.end - seam.start, { chosen: true });
    this.#own = false;
    for (const radio of all("[data-doctor-mode]", this.box)) radio.checked = radio.value === seam.suggestion;
    one("[data-doctor-join]", this.box).hidden = false;
    this.#join();
  }

  // What the chosen outcome can do of it; a card that can't says which one could.
  #join() {
    this.#stop();
    const mode = this.#mode;
    const known = this.#chosen.params;
    const note = one("[data-doctor-note]", this.box);
    note.textContent = "";
    if ("mode" in known) this.form.dispatchEvent(new CustomEvent("cutroom:apply", { detail: { mode, search: 0 } }));
    else if (mode === "crossfade") note.textContent = say("This outcome can only be cut or played there and back; a loop video can be cross-faded, too.");
    else this.form.dispatchEvent(new CustomEvent("cutroom:apply", { detail: { pingpong: mode === "pingpong" } }));
  }

  #show({ data, mime, seconds: length }) {
    const video = one("[data-doctor-video]", this.box);
    this.#url = addressOf(data, mime);
    this.#tell(say("The seam, %(times)s times.", { times: TIMES }));
    let left = TIMES;
    let over = false; // behind the seam, at the beginning of the next round
    const around = Math.min(AROUND, length / 2);
    const again = () => {
      over = false;
      video.currentTime = Math.max(0, length - around);
      video.play().catch(() => {});
    };
    video.onloadedmetadata = again;
    video.onended = () => {
      over = true;
      video.currentTime = 0;
      video.play().catch(() => {});
    };
    video.ontimeupdate = () => {
      if (!over || left === 0 || video.currentTime < around * 0.95) return;
      left -= 1;
      video.dataset.left = String(left);
      if (left > 0) again();
      else video.pause();
    };
    video.dataset.left = String(left);
    video.hidden = false;
    video.src = this.#url;
  }

  #tell(sentence, bad = false) {
    const said = one("[data-doctor-said]", this.box);
    said.textContent = sentence;
    said.className = bad ? "error" : "help";
  }
}
