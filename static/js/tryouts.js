// "Fit under N MB": samples of this very clip, encoded while one waits, side by side.
import { calm, el, one } from "./dom.js";
import { bytes, seconds } from "./format.js";
import { addressOf, follow } from "./stream.js";
import { say } from "./words.js";

const SIZES = ["target_mb", "max_mb"];
const USUAL = 10;
const LEAST = 0.01; // megabytes, as the API takes them

/** Offers itself where the chosen outcome can be told a size. Follows `cutroom:outcome` and `cutroom:ask`; a choice goes out as `cutroom:apply`. */
export class Tryouts {
  #asking = null;
  #body = null;
  #size = "";
  #urls = [];
  #tried = "";

  constructor(form, { signal }) {
    this.form = form;
    this.box = one("[data-tryouts]", form);
    if (!this.box) return;
    this.list = one("[data-tryouts-list]", this.box);
    this.input = one("[data-tryouts-mb]", this.box);
    const on = (target, name, act) => target.addEventListener(name, act, { signal });
    on(form, "cutroom:outcome", ({ detail }) => this.#offer(detail));
    on(form, "cutroom:ask", ({ detail }) => this.#moved(detail));
    on(one("[data-tryouts-go]", this.box), "click", () => this.#try());
    on(this.input, "keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // not the form's Convert
      this.#try();
    });
    signal.addEventListener("abort", () => this.#drop());
  }

  #offer(chosen) {
    this.#size = SIZES.find((name) => name in (chosen?.params ?? {})) ?? "";
    this.box.hidden = !this.#size;
    this.input.value = chosen?.params[this.#size] ?? USUAL;
  }

  // Another cut or other settings: what is under way is for nobody any more.
  #moved(body) {
    this.#body = body;
    if (this.#tried && this.#tried !== this.#about(body)) {
      this.#drop();
      this.#tell(say("Shows short samples of this clip, each within the size, before anything is made."));
    }
  }

  /** What the samples depend on; not the size, which one of them may have put into the form. */
  #about({ params, ...body }) {
    const own = ["max_fps", "max_height", "fps", "width", "height", ...SIZES];
    return JSON.stringify([body, Object.entries(params).filter(([name]) => !own.includes(name))]);
  }

  #drop() {
    this.#asking?.abort();
    this.#asking = null;
    this.#tried = "";
    for (const url of this.#urls.splice(0)) URL.revokeObjectURL(url);
    this.list.replaceChildren();
    this.box.removeAttribute("aria-busy");
  }

  async #try() {
    const megabytes = Number(this.input.value.replace(",", "."));
    if (!(megabytes >= LEAST)) {
      this.#tell(say("Write how many megabytes it may have, such as 10."), true);
      return;
    }
    this.#drop();
    const asking = new AbortController();
    this.#asking = asking;
    const { upload, operation, preset, params } = this.#body;
    this.#tried = this.#about(this.#body);
    this.box.setAttribute("aria-busy", "true");
    this.#tell(say("Making samples…"));
    try {
      await follow("tryouts/", { upload, operation, preset, params, megabytes }, asking.signal, (event) => this.#told(event));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#tell(error.sentence ?? say("The connection to the server was lost."), true);
    } finally {
      if (this.#asking === asking) this.box.removeAttribute("aria-busy");
    }
  }

  #told(event) {
    if (event.event === "candidates") this.list.replaceChildren(...event.candidates.map((candidate) => this.#card(candidate)));
    else if (event.event === "sample") this.#show(event);
    else if (event.event === "unreachable") {
      const card = this.list.children[event.index];
      one(".tryout-media", card).replaceChildren(el("p", "help", event.detail));
      card.dataset.state = "unreachable";
    } else if (event.event === "problem") this.#tell(event.detail, true);
    else if (event.event === "done") this.#sum();
  }

  #sum() {
    const made = this.list.querySelectorAll("[data-state=made]").length;
    if (made) this.#tell(say("Look closely, then take the one that you like best."));
    else this.#tell(say("It can’t be made that small. Choose a larger size, or a shorter part."), true);
  }

  #card(candidate) {
    const item = el("li", "card tryout");
    const media = el("div", "tryout-media");
    const bar = el("progress");
    bar.setAttribute("aria-label", NAMES()[candidate.name]);
    media.append(bar);
    item.append(media, el("h3", "", NAMES()[candidate.name]), el("p", "num tryout-facts", facts(candidate)), el("p", "help num tryout-size"));
    return item;
  }

  #show({ index, candidate, data, mime, predicted, seconds: length }) {
    const card = this.list.children[index];
    card.dataset.state = "made";
    const url = addressOf(data, mime);
    this.#urls.push(url);
    const media = el(mime.startsWith("video/") ? "video" : "img");
    if (media instanceof HTMLVideoElement) Object.assign(media, { muted: true, loop: true, playsInline: true, autoplay: !calm(), controls: true });
    else media.alt = NAMES()[candidate.name];
    media.src = url;
    one(".tryout-media", card).replaceChildren(media);
    one(".tryout-facts", card).textContent = facts(candidate);
    one(".tryout-size", card).textContent = say("%(sample)s of it. The whole will have about %(size)s, never more than %(most)s.", { sample: seconds(length), size: bytes(predicted), most: bytes(candidate.most) });
    const use = el("button", "button small", say("Use this"));
    use.type = "button";
    use.addEventListener("click", () => {
      for (const other of this.list.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === use));
      this.form.dispatchEvent(new CustomEvent("cutroom:apply", { detail: candidate.params }));
    });
    card.append(use);
  }

  #tell(sentence, bad = false) {
    const said = one("[data-tryouts-said]", this.box);
    said.textContent = sentence;
    said.className = bad ? "error" : "help";
  }
}

const NAMES = () => ({ full: say("As much as fits"), calm: say("Fewer frames, more detail"), small: say("Smaller picture, fewer faults") });

const facts = ({ width, height, fps }) => `${width} × ${height} · ${Number(fps.toFixed(2))} fps`;
