// What would come out, before anything is made: asked for while the choice changes.
import { api } from "./api.js";
import { all, el, released } from "./dom.js";
import { bytes, seconds } from "./format.js";
import { say } from "./words.js";

const PAUSE = 250;
const AGAIN = [3000, 4000, 6000, 10000, 20000]; // a new clip is looked at some seconds after it came; a busy machine takes longer

/** Shows the quote in `box`, and its warnings once more in `notes`: where the box is small, the stylesheet shows only those. `onProblem(error)` gets refusals, `onQuote(quote)` the answers, and `labelOf(field)` says what people know a field by. */
export class Quote {
  #timer = 0;
  #asking = null;
  #wanted = null;
  #again = 0;
  #repeats = [...AGAIN];
  #shown = "";

  constructor(box, { notes, onQuote, onProblem, labelOf, signal }) {
    Object.assign(this, { box, notes, onQuote, onProblem, labelOf });
    signal.addEventListener("abort", () => { clearTimeout(this.#timer); clearTimeout(this.#again); this.#asking?.abort(); });
  }

  /** Ask again soon: four times a second while something moves, and always for what it came to rest at. */
  ask(body) {
    this.#wanted = body;
    this.box.dispatchEvent(new CustomEvent("cutroom:ask", { bubbles: true, detail: body }));
    this.box.classList.add("stale");
    clearTimeout(this.#again);
    this.#timer ||= setTimeout(() => this.#ask(), PAUSE);
  }

  async #ask({ unasked = false } = {}) {
    this.#timer = 0;
    const body = this.#wanted;
    this.#asking?.abort(); // an answer that comes after a newer question is none
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const quote = await api("quotes/", { method: "POST", body, signal: asking.signal });
      await released(); // what it says may take room from what is being pressed
      if (asking.signal.aborted) return;
      if (quote.rough && !this.#timer && this.#repeats.length) this.#again = setTimeout(() => this.#ask({ unasked: true }), this.#repeats.shift());
      if (unasked && !this.#isNews(quote)) return;
      this.#show(quote);
      if (!unasked) this.onQuote(quote);
      this.box.dispatchEvent(new CustomEvent("cutroom:quote", { bubbles: true, detail: { body, quote } }));
    } catch (error) {
      await released();
      if (asking.signal.aborted || this.#timer || unasked) return; // what is refused is wanted no more; the next question is about to be asked
      this.refuse(error);
      this.onProblem(error);
    } finally {
      if (!asking.signal.aborted && !this.#timer) this.box.classList.remove("stale");
    }
  }

  // What nobody asked for takes no refusal away, comes before no newer question, and is not read out twice.
  #isNews(quote) {
    return this.#shown && !this.#timer && JSON.stringify(quote) !== this.#shown;
  }

  #show(quote) {
    this.#shown = JSON.stringify(quote);
    const line = el("p", "quote-line num");
    const facts = [
      quote.width && `${quote.width} × ${quote.height}`,
      quote.frames && quote.kind !== "image" && say.many("%(n)s frame", "%(n)s frames", quote.frames),
      quote.duration && seconds(quote.duration),
      sizes(quote),
    ].filter(Boolean);
    line.append(...facts.map((fact) => el("span", "", fact)));
    const notes = el("p", "help num", [wait(quote.work_seconds), ahead(quote.queue_position)].filter(Boolean).join(" · "));
    const known = all("[data-media-notes] p").map((note) => note.textContent); // what is said of the clip stands above
    const warnings = () => (quote.warnings ?? []).filter((warning) => !known.includes(warning)).map((warning) => el("p", "quote-warning", warning));
    this.box.replaceChildren(line, notes, ...warnings());
    this.notes.replaceChildren(...warnings());
  }

  /** Say in the quote's place why nothing can be made. */
  refuse(error) {
    const box = el("div", "notice bad");
    box.append(el("p", "", error.naming?.(this.labelOf(error.field)) ?? say("Something went wrong; try again in a moment.")));
    if (error.more) box.append(el("p", "help", error.more));
    clearTimeout(this.#again);
    this.#shown = "";
    this.notes.replaceChildren();
    this.box.replaceChildren(box);
  }
}

function sizes({ size_min: least, size_max: most, rough }) {
  if (!most) return "";
  const [from, to] = [bytes(least), bytes(most)];
  if (from === to) return say("about %(size)s", { size: to });
  if (rough && most > 8 * least) return say("up to %(size)s", { size: to });
  const [number, unit] = from.split(" ");
  return to.endsWith(unit) ? `${number}–${to}` : `${from} – ${to}`;
}

function wait(work) {
  if (!work) return "";
  if (work < 90) return say("about %(n)s s of work", { n: Math.max(1, Math.round(work)) });
  return say("about %(n)s min of work", { n: Math.round(work / 60) });
}

function ahead(position) {
  return position ? say.many("%(n)s ahead of you", "%(n)s ahead of you", position) : "";
}
