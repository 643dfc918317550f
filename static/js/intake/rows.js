// The queue as people see it: a row for every file, with its state in words and the ways on.
import { all, announce, el, one } from "../dom.js";
import { bytes, left } from "../format.js";
import { say } from "../words.js";
import { STILL } from "./sending.js";

/** What the buttons are called, their visible words first. */
const LABELS = {
  pause: (name) => say("Pause: %(name)s", { name }),
  resume: (name) => say("Go on: %(name)s", { name }),
  now: (name) => say("Try now: %(name)s", { name }),
  again: (name) => say("Try again: %(name)s", { name }),
  anew: (name) => say("Send again: %(name)s", { name }),
  here: (name) => say("Go on here: %(name)s", { name }),
  choose: (name) => say("Choose the file: %(name)s", { name }),
  open: (name) => say("Open: %(name)s", { name }),
  remove: (name) => say("Remove: %(name)s", { name }),
};

/** Which buttons a row has. */
const ACTS = {
  waiting: ["pause", "remove"],
  sending: ["pause", "remove"],
  checking: [],
  resting: ["now", "pause", "remove"],
  paused: ["resume", "remove"],
  asking: ["choose", "remove"],
  elsewhere: ["here", "remove"],
  ended: ["anew", "remove"],
  refused: ["remove"],
  ready: ["open", "remove"],
};

const percent = (item) => (item.size ? Math.floor((100 * item.sent) / item.size) : 0);

/** What is going on with a file, as a line. */
function line(item) {
  const done = say("%(percent)s %", { percent: percent(item) });
  switch (item.state) {
    case "waiting": return say("Waiting for its turn");
    case "sending": return [say("%(sent)s of %(all)s", { sent: bytes(item.sent), all: bytes(item.size) }), item.speed && say("%(speed)s/s", { speed: bytes(item.speed) }), left(item.left)].filter(Boolean).join(" · ");
    case "checking": return say("Looking into the file…");
    case "resting": return say("%(percent)s % · trying again in %(n)s s", { percent: percent(item), n: Math.max(1, Math.ceil((item.again - Date.now()) / 1000)) });
    case "paused": return say("Paused at %(percent)s %", { percent: percent(item) });
    case "asking": return item.sent ? say("Choose the same file again, and it goes on from %(percent)s %.", { percent: percent(item) }) : say("Choose the same file again to send it.");
    case "elsewhere": return say("Another tab of this browser is sending it · %(percent)s %", { percent: percent(item) });
    case "ready": return say("It is in.");
    default: return item.sent && item.state === "ended" ? done : "";
  }
}

/** What a screen reader hears when the state changes; progress is there to be looked up. */
function spoken(item) {
  const { name, state, problem } = item;
  if (problem) return `${name}: ${problem.detail}`;
  const sentences = {
    sending: () => say("Sending %(name)s.", { name }),
    paused: () => say("%(name)s is paused.", { name }),
    asking: () => say("%(name)s is unfinished: choose the file again.", { name }),
    elsewhere: () => say("Another tab is sending %(name)s.", { name }),
    ready: () => say("%(name)s is in.", { name }),
  };
  return sentences[state]?.() ?? "";
}

/** Keeps `root` showing `queue`. `act(name, item)` is called for every button. */
export class Rows {
  #nodes = new Map();
  #timer = 0;
  #said = new Map();
  #told = new Map();

  constructor(root, queue, act) {
    Object.assign(this, { root, queue, act });
    this.list = one("[data-rows]", root);
    this.template = one("[data-row-template]", root);
    queue.addEventListener("added", ({ detail }) => this.#add(detail));
    queue.addEventListener("changed", ({ detail }) => this.#draw(detail));
    queue.addEventListener("removed", ({ detail }) => this.#remove(detail));
    queue.addEventListener("known", ({ detail }) => this.#point(detail));
    root.addEventListener("click", (event) => this.#clicked(event));
  }

  #add(item) {
    const node = this.template.content.firstElementChild.cloneNode(true);
    this.#nodes.set(item, node);
    one("[data-name]", node).textContent = item.name || say("Several files");
    one("[data-size]", node).textContent = item.size === null ? "" : bytes(item.size);
    one("[data-bar]", node).setAttribute("aria-label", say("Progress of %(name)s", { name: item.name }));
    for (const button of all("[data-act]", node)) button.setAttribute("aria-label", LABELS[button.dataset.act](item.name));
    if (item.list?.length) {
      const details = one("[data-list]", node);
      details.hidden = false;
      one("ul", details).append(...item.list.map((text) => el("li", "break", text)));
    }
    this.list.append(node);
    this.root.hidden = false;
    this.#draw(item);
  }

  #draw(item) {
    const node = this.#nodes.get(item);
    if (!node) return;
    const fresh = node.dataset.state !== item.state || this.#told.get(item) !== item.problem;
    this.#told.set(item, item.problem);
    const focused = fresh && node.contains(document.activeElement);
    node.dataset.state = item.state;
    node.toggleAttribute("data-kept", item.kept);
    const bar = one("[data-bar]", node);
    bar.hidden = ["refused", "ready"].includes(item.state);
    if (item.state === "checking") bar.removeAttribute("value");
    else bar.value = item.size ? (100 * item.sent) / item.size : 0;
    one("[data-line]", node).textContent = line(item);
    if (fresh) this.#turn(node, item);
    if (focused && document.activeElement?.closest("[data-row]") !== node) this.#focus(node);
    this.#sum();
    this.#tick();
  }

  /** A new state: other buttons, perhaps a problem, and a word about it. */
  #turn(node, item) {
    const acts = item.state === "refused" && item.problem?.status >= 500 ? ["again", "remove"] : ACTS[item.state];
    for (const button of all("[data-act]", node)) button.hidden = !acts.includes(button.dataset.act);
    if (item.upload) one("[data-act=open]", node).href = `/?upload=${item.upload.id}`;
    const box = one("[data-problem]", node);
    box.hidden = !item.problem;
    box.classList.toggle("bad", ["refused", "ended"].includes(item.state));
    one("[data-detail]", box).textContent = item.problem?.detail ?? "";
    one("[data-hint]", box).textContent = item.state === "resting" ? "" : (item.problem?.more ?? ""); // it tries again by itself
    const text = spoken(item);
    if (text && text !== this.#said.get(item)) announce(text);
    this.#said.set(item, text);
  }

  #focus(node) {
    (all("[data-act]:not([hidden])", node)[0] ?? one("h2", this.root)).focus({ preventScroll: true });
  }

  #remove(item) {
    const node = this.#nodes.get(item);
    if (!node) return;
    const focused = node.contains(document.activeElement);
    const next = node.nextElementSibling ?? node.previousElementSibling;
    node.remove();
    this.#nodes.delete(item);
    this.#said.delete(item);
    this.#told.delete(item);
    this.root.hidden = this.#nodes.size === 0;
    if (focused) (next ? one("[data-act]:not([hidden])", next) : one("[data-file]"))?.focus({ preventScroll: true });
    this.#sum();
  }

  /** A file that is in the list already: show where. */
  #point(item) {
    const node = this.#nodes.get(item);
    announce(say("%(name)s is in the list already.", { name: item.name }));
    node.scrollIntoView({ block: "nearest" });
    node.classList.add("pointed");
    node.addEventListener("animationend", () => node.classList.remove("pointed"), { once: true });
  }

  /** The line above the rows, for all of them. */
  #sum() {
    const { items } = this.queue;
    const known = items.filter((item) => item.size !== null && item.state !== "refused");
    const inside = known.filter((item) => item.state === "ready").length;
    const moving = known.filter((item) => item.state === "sending" && item.speed);
    const speed = moving.reduce((sum, item) => sum + item.speed, 0);
    const rest = known.filter((item) => !STILL.has(item.state)).reduce((sum, item) => sum + item.size - item.sent, 0);
    const texts = known.length > 1 ? [say("%(n)s of %(all)s are in", { n: inside, all: known.length }), speed && rest ? left(rest / speed) : ""] : [];
    one("[data-sum]", this.root).textContent = texts.filter(Boolean).join(" · ");
    one("[data-all=pause]", this.root).hidden = known.filter((item) => ["waiting", "sending", "resting"].includes(item.state)).length < 2;
    one("[data-all=resume]", this.root).hidden = known.filter((item) => item.state === "paused").length < 2;
    one("[data-all=clear]", this.root).hidden = items.filter((item) => ["ready", "refused"].includes(item.state)).length < 2;
  }

  /** Seconds are counted down while somebody waits for the next attempt. */
  #tick() {
    const resting = this.queue.items.filter((item) => item.state === "resting");
    if (!resting.length || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      for (const item of resting) if (item.state === "resting") this.#draw(item);
    }, 1000);
  }

  #clicked(event) {
    const button = event.target.closest("[data-act], [data-all]");
    if (!button || (button.href && (event.ctrlKey || event.metaKey || event.shiftKey))) return;
    event.preventDefault();
    if (button.dataset.all) return this.act(button.dataset.all, null);
    const node = button.closest("[data-row]");
    const [item] = [...this.#nodes].find(([, other]) => other === node);
    return this.act(button.dataset.act, item);
  }
}
