// Undo and redo of the cut, kept for the tab so that a reload loses nothing.

const MOST = 200;

/** Event `change` when `canUndo` or `canRedo` may have changed. */
export class History extends EventTarget {
  #states = [];
  #at = 0;
  #before = null;

  constructor(key, cut) {
    super();
    Object.assign(this, { key: `cutroom:cut:${key}`, cut });
    this.#states = [cut.snapshot()];
    this.#before = this.#stored(); // read first: the card that is chosen next is kept too
    cut.addEventListener("change", ({ detail }) => this.#note(detail));
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#states.length - 1;
  }

  /** Take up what the tab still knows of this clip. */
  resume() {
    const kept = this.#before;
    if (!Array.isArray(kept?.states) || !kept.states[kept.at]?.parts) return;
    [this.#states, this.#at] = [kept.states, kept.at];
    this.#show();
  }

  undo() {
    if (!this.canUndo) return false;
    this.#at -= 1;
    this.#show();
    return true;
  }

  redo() {
    if (!this.canRedo) return false;
    this.#at += 1;
    this.#show();
    return true;
  }

  // What nobody asked for (a card's own length) is no step of its own: it belongs to where one stands.
  #note({ settled, auto, what }) {
    if (!settled || what === "all") return;
    const state = this.cut.snapshot();
    if (JSON.stringify(state) === JSON.stringify(this.#states[this.#at])) return;
    if (auto) this.#states[this.#at] = state;
    else {
      this.#states = [...this.#states.slice(0, this.#at + 1), state].slice(-MOST);
      this.#at = this.#states.length - 1;
    }
    this.#keep();
  }

  #show() {
    this.cut.restore(this.#states[this.#at]);
    this.#keep();
  }

  #stored() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key));
    } catch {
      return null; // storage is off, or holds nothing of ours
    }
  }

  #keep() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ states: this.#states, at: this.#at }));
    } catch { /* full or off: then it lasts as long as the page */ }
    this.dispatchEvent(new CustomEvent("change"));
  }
}
