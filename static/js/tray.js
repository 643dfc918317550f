// Jobs on a page: cards that the server drew, kept up to date, with their buttons.
import { api } from "./api.js";
import { all, announce, el, fragment, one, released, reveal } from "./dom.js";
import { left } from "./format.js";
import { follow } from "./live.js";
import { compareWithSource } from "./compare.js";
import { localTimes } from "./times.js";
import { say } from "./words.js";

const LIVE = new Set(["queued", "running"]);
const FOLLOWED = "cutroom-followed";
const MOST_FOLLOWED = 5;
const PATIENCE = 1000; // milliseconds before a card that could not be fetched is fetched again

/** Jobs that this browser saw at work and has not seen ending: another page shows what became of them. */
export function followed() {
  try {
    return JSON.parse(localStorage.getItem(FOLLOWED) ?? "[]");
  } catch {
    return [];
  }
}

/** A person has seen what became of a job. */
export const seen = (id) => noteFollowed(id, false);

function noteFollowed(id, live) {
  try {
    const others = followed().filter((other) => other !== id);
    localStorage.setItem(FOLLOWED, JSON.stringify((live ? [id, ...others] : others).slice(0, MOST_FOLLOWED)));
  } catch { /* storage is off: pages then show what is at work now */ }
}

/** The cards inside `root`. Events: `change` (counts or progress changed). */
export class Tray extends EventTarget {
  #following = new Map();
  #said = new Map();
  progress = new Map();

  /** `out` says that the cards are out of sight at first. */
  constructor(root, { out = false } = {}) {
    super();
    this.root = root;
    this.out = out;
    root.addEventListener("submit", (event) => this.#submitted(event));
    root.addEventListener("click", (event) => this.#clicked(event));
    for (const card of this.cards()) {
      this.#attach(card);
      if (!LIVE.has(card.dataset.status) && !out) seen(card.dataset.job);
    }
    localTimes(root);
    compareWithSource(root);
  }

  cards() {
    return all("[data-job]", this.root);
  }

  card(id) {
    return this.cards().find((card) => card.dataset.job === id);
  }

  /** Show a job that was just made, at the top, and follow it. */
  async add(id) {
    const card = await this.#fetch(`/jobs/${id}/?part=card`);
    this.card(id)?.remove();
    this.root.prepend(card);
    this.#attach(card);
    reveal(card);
    return card;
  }

  #attach(card) {
    const id = card.dataset.job;
    if (!LIVE.has(card.dataset.status) || this.#following.has(id)) return;
    this.progress.set(id, Number(one("[data-progress]", card)?.getAttribute("value") ?? 0));
    noteFollowed(id, true);
    const told = { onProgress: (state) => this.#progressed(id, state), onState: (job) => this.#changed(id, job), onLost: (lost) => this.#lost(id, lost) };
    this.#following.set(id, follow(id, told));
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** The server does not answer: what stands there is old, and the work may go on all the same. */
  #lost(id, lost) {
    const card = this.card(id);
    if (!card || !one("[data-eta]", card)) return;
    card.toggleAttribute("data-lost", lost);
    one("[data-eta]", card).textContent = lost ? say("No connection; looking again…") : "";
    if (lost) announce(say("The connection to the server was lost."));
  }

  #progressed(id, { progress, stage, eta_seconds: eta, queue_position: ahead }) {
    const card = this.card(id);
    const bar = card && one("[data-progress]", card);
    if (!bar) return;
    if (card.dataset.status === "queued" && Number.isInteger(ahead)) {
      one("[data-stage]", card).textContent = ahead ? say.many("%(n)s ahead of you", "%(n)s ahead of you", ahead) : say("Waiting for a worker");
    }
    if (card.dataset.status !== "running") return;
    bar.value = progress;
    one("[data-percent]", card).textContent = `${Math.floor(progress)} %`;
    one("[data-stage]", card).textContent = stage ? say(stage) : say("Working");
    one("[data-eta]", card).textContent = left(eta);
    this.progress.set(id, progress);
    const quarter = Math.floor(progress / 25);
    if (quarter !== this.#said.get(id)) {
      this.#said.set(id, quarter);
      announce(`${one("h3", card).textContent}: ${Math.floor(progress)} %`);
    }
    this.dispatchEvent(new CustomEvent("change"));
  }

  async #changed(id, job) {
    const before = this.card(id);
    if (!before || before.dataset.status === job.status) {
      this.#progressed(id, job);
      return;
    }
    before.dataset.status = job.status;
    if (!LIVE.has(job.status)) this.#forget(id);
    await this.#renew(id, job.status);
    this.dispatchEvent(new CustomEvent("change", { detail: { id, status: job.status } }));
  }

  /** Draw a card's new state, however long the server needs to come back. */
  async #renew(id, status) {
    for (let wait = PATIENCE; ; wait = Math.min(2 * wait, 16 * PATIENCE)) {
      const before = this.card(id);
      if (!before || before.dataset.status !== status) return; // it has gone on meanwhile
      try {
        await this.#replace(before, true);
        return;
      } catch (error) {
        if (error.status >= 400 && error.status < 500) return; // it is nobody's any more
      }
      await new Promise((resolve) => { setTimeout(resolve, wait); });
    }
  }

  #forget(id) {
    if (!document.hidden && !this.out) seen(id);
    this.#following.get(id)?.();
    this.#following.delete(id);
    this.progress.delete(id);
  }

  async #replace(before, fresh) {
    const { job, status } = before.dataset;
    const after = await this.#fetch(before.dataset.card);
    await released();
    if (!before.isConnected || before.dataset.status !== status) return this.card(job); // who brings what is newer draws it
    // Looked at only now: meanwhile a person may have gone elsewhere.
    const focused = before.contains(document.activeElement);
    const seen = fresh && inView(before);
    before.replaceWith(after);
    localTimes(after);
    if (LIVE.has(after.dataset.status)) this.#attach(after);
    if (seen) reveal(after);
    if (focused) one("a, button", after)?.focus({ preventScroll: true });
    if (fresh && after.dataset.status !== "running") announce(`${one("h3", after).textContent}: ${one("[data-state]", after).textContent}`);
    return after;
  }

  async #fetch(url) {
    const response = await fetch(url, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!response.ok) throw Object.assign(new Error("the card could not be fetched"), { status: response.status });
    return one("[data-job]", fragment(await response.text()));
  }

  async #clicked(event) {
    const link = event.target.closest("[data-show]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    try {
      reveal(await this.#replace(link.closest("[data-job]"), false));
    } catch {
      location.assign(link.href);
    }
  }

  async #submitted(event) {
    const form = event.target;
    if (!form.matches("[data-act], [data-download], [data-link]")) return;
    event.preventDefault();
    const card = form.closest("[data-job]");
    const button = one("button", form);
    button.disabled = true;
    one("[data-job-error]", card).hidden = true;
    try {
      if (form.dataset.download) await this.#download(form.dataset.download, card);
      else if (form.dataset.link) await this.#copy(form.dataset.link, card);
      else await this.#act(card, form.elements.action.value);
    } catch (error) {
      const box = one("[data-job-error]", card);
      box.textContent = error.detail ?? say("Something went wrong; try again in a moment.");
      box.hidden = false;
    } finally {
      button.disabled = false;
    }
  }

  async #act(card, action) {
    const id = card.dataset.job;
    if (action === "cancel") {
      this.#changed(id, await api(`jobs/${id}/cancel/`, { method: "POST" }));
      return;
    }
    const exported = one("[data-export]", card)?.dataset.export;
    const job = await api(action === "rebuild" ? `exports/${exported}/rebuild/` : `jobs/${id}/retry/`, { method: "POST" });
    await this.add(job.id);
  }

  async #download(exported, card) {
    const grant = await api(`exports/${exported}/grants/`, { method: "POST" });
    one("[data-note]", card).textContent = say("The download has begun. The link it used is now spent.");
    location.assign(`${grant.url}?direct=1`);
  }

  async #copy(exported, card) {
    const grant = await api(`exports/${exported}/grants/`, { method: "POST" });
    const note = one("[data-note]", card);
    const until = new Date(grant.expires_at).toLocaleTimeString(undefined, { timeStyle: "short" });
    try {
      await navigator.clipboard.writeText(grant.url);
      note.textContent = say("Copied. It works once, until %(until)s.", { until });
    } catch { // no clipboard without HTTPS, or it was refused
      const field = el("input", "link-field");
      field.readOnly = true;
      field.value = grant.url;
      field.setAttribute("aria-label", say("One-time link"));
      note.replaceChildren(say("It works once, until %(until)s:", { until }), field);
      field.select();
    }
  }
}

function inView(node) {
  const { top, bottom } = node.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** Keep the page's title telling how far the jobs are. */
export function titled(tray) {
  let base = document.title;
  const show = () => {
    const running = [...tray.progress.values()];
    const percent = running.length ? Math.floor(running.reduce((sum, value) => sum + value, 0) / running.length) : null;
    document.title = percent === null ? base : `${percent} % · ${base}`;
  };
  tray.addEventListener("change", (event) => {
    show();
    if (event.detail?.status === "succeeded" && document.hidden) document.title = `✓ ${base}`;
  });
  document.addEventListener("visibilitychange", () => !document.hidden && show());
  show();
  return { rename(title) { base = title; show(); } };
}
