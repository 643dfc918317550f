// What would come out, before anything is made: asked for while the choice changes.
import { api } from "./api.js";
import { el } from "./dom.js";
import { bytes, seconds } from "./format.js";

const PAUSE = 250;

/** Shows the quote in `box`, and its warnings once more in `notes`: where the box is small, the stylesheet shows only those. `onProblem(error)` gets refusals, `onQuote(quote)` the answers. */
export class Quote {
  #timer = 0;
  #asking = null;

  constructor(box, { notes, onQuote, onProblem, signal }) {
    Object.assign(this, { box, notes, onQuote, onProblem });
    signal.addEventListener("abort", () => { clearTimeout(this.#timer); this.#asking?.abort(); });
  }

  /** Ask again soon; only the last of many changes is asked for. */
  ask(body) {
    clearTimeout(this.#timer);
    this.box.classList.add("stale");
    this.#timer = setTimeout(() => this.#ask(body), PAUSE);
  }

  async #ask(body) {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const quote = await api("quotes/", { method: "POST", body, signal: asking.signal });
      this.#show(quote);
      this.onQuote(quote);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.refuse(error);
      this.onProblem(error);
    } finally {
      if (!asking.signal.aborted) this.box.classList.remove("stale");
    }
  }

  #show(quote) {
    const line = el("p", "quote-line num");
    const facts = [
      quote.width && `${quote.width} × ${quote.height}`,
      quote.frames && quote.kind !== "image" && `${quote.frames} frames`,
      quote.duration && seconds(quote.duration),
      sizes(quote.size_min, quote.size_max),
    ].filter(Boolean);
    line.append(...facts.map((fact) => el("span", "", fact)));
    const notes = el("p", "help num", [wait(quote.work_seconds), ahead(quote.queue_position)].filter(Boolean).join(" · "));
    const warnings = () => (quote.warnings ?? []).map((warning) => el("p", "quote-warning", warning));
    this.box.replaceChildren(line, notes, ...warnings());
    this.notes.replaceChildren(...warnings());
  }

  /** Say in the quote's place why nothing can be made. */
  refuse(error) {
    const box = el("div", "notice bad");
    box.append(el("p", "", error.detail));
    if (error.more) box.append(el("p", "help", error.more));
    this.notes.replaceChildren();
    this.box.replaceChildren(box);
  }
}

function sizes(least, most) {
  if (!most) return "";
  const [from, to] = [bytes(least), bytes(most)];
  if (from === to) return `about ${to}`;
  if (most > 8 * least) return `up to ${to}`;
  const [number, unit] = from.split(" ");
  return to.endsWith(unit) ? `${number}–${to}` : `${from} – ${to}`;
}

function wait(work) {
  if (!work) return "";
  return work < 90 ? `about ${Math.max(1, Math.round(work))} s of work` : `about ${Math.round(work / 60)} min of work`;
}

function ahead(position) {
  return position ? `${position} ahead of you` : "";
}
