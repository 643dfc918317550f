// Bringing files in: dropped anywhere, pasted or chosen, one or many, and sent so that nothing stops them for good.
import { all, one } from "./dom.js";
import { chosen, gather } from "./intake/gather.js";
import { Queue } from "./intake/queue.js";
import { Rows } from "./intake/rows.js";

/** The page's intake. `open(upload, opened)` shows an upload in the editor, and calls `opened` when its row may go; a file that was brought in alone is opened by itself. */
export class Intake {
  #asked = null; // the row that waits for the file that is being chosen

  constructor({ open }) {
    this.open = open;
    this.root = one("[data-incoming]");
    this.queue = new Queue();
    this.rows = new Rows(this.root, this.queue, (name, item) => this.#act(name, item));
    this.queue.addEventListener("changed", ({ detail }) => this.#changed(detail));
    this.#listenForDrops();
    document.addEventListener("paste", (event) => this.#given(event, event.clipboardData));
    document.addEventListener("change", (event) => event.target.matches("[data-file], [data-folder]") && this.#chosen(event.target));
    document.addEventListener("submit", (event) => event.target.matches("[data-drop]") && event.preventDefault());
    addEventListener("beforeunload", (event) => this.queue.busy.some((item) => !item.kept) && event.preventDefault());
    this.place();
    this.queue.restore();
    for (const input of all("[data-file], [data-folder]")) if (input.files.length) this.#chosen(input); // before anybody listened
  }

  /** The rows stand below the drop zone where there is one; call `away` before that zone is replaced, and this afterwards. */
  place() {
    one("[data-incoming-place]")?.append(this.root);
    for (const input of all("[data-file]")) input.multiple = true; // the plain form takes one at a time
  }

  /** Bring the rows to safety. */
  away() {
    one("#workspace").before(this.root);
  }

  #listenForDrops() {
    const veil = one("[data-veil]");
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    const over = () => { depth = 0; veil.hidden = true; };
    document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; veil.hidden = false; } });
    document.addEventListener("dragleave", (event) => { if (carriesFiles(event) && --depth <= 0) over(); });
    document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
    document.addEventListener("drop", (event) => { over(); this.#given(event, event.dataTransfer); });
  }

  async #given(event, transfer) {
    if (![...(transfer?.types ?? [])].includes("Files") && !transfer?.files?.length) return;
    event.preventDefault();
    const { found, more } = await gather(transfer);
    this.#take(found, more);
  }

  #chosen(input) {
    const { found, more } = chosen(input);
    const item = this.#asked;
    this.#asked = null;
    input.value = "";
    if (item && found.length === 1) this.queue.answer(item, found[0].file);
    else this.#take(found, more);
  }

  #take(found, more) {
    if (!found.length) return;
    this.queue.add(found, { more });
  }

  #changed(item) {
    if (item.state !== "ready" || !item.alone || item.opened) return;
    if (item.restored && one("[data-editor]")) return; // somebody works on something else by now
    item.opened = true;
    this.#show(item);
  }

  #show(item) {
    this.open(item.upload, () => this.queue.remove(item)); // not before: the drop zone would grow, and shrink again
  }

  #act(name, item) {
    const acts = {
      pause: () => (item ? [item] : this.queue.busy.filter(({ state }) => state !== "checking")).forEach((one) => this.queue.pause(one)),
      resume: () => (item ? [item] : this.queue.items.filter(({ state }) => state === "paused")).forEach((one) => this.queue.go(one)),
      clear: () => this.queue.items.filter(({ state }) => state === "ready" || state === "refused").forEach((one) => this.queue.remove(one)),
      now: () => item.now(),
      again: () => this.queue.go(item),
      here: () => this.queue.go(item),
      anew: () => this.queue.go(item, { anew: true }),
      remove: () => this.queue.remove(item),
      open: () => this.#show(item),
      choose: () => {
        this.#asked = item;
        one("[data-file]").click();
      },
    };
    acts[name]();
  }
}
