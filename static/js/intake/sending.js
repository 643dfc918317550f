// One file on its way to the server: sent in pieces, tried again for as long as that may help, stopped when it can't.
import { api, ApiError, problemOf, renew } from "../api.js";
import { say } from "../words.js";
import { hintOf } from "./refusals.js";
import * as resume from "./resume.js";
import { me } from "./tabs.js";
import * as tus from "./tus.js";

const FIRST = 256 * 1024; // bytes: enough for the server to see what it is, so that a refusal comes early
const LEAST = 64 * 1024;
const MOST = 16 * 1024 * 1024;
const PIECE_SECONDS = 4; // how long a piece should take: a proxy that gathers bodies hands it on, a break loses little
const SETTLING = 0.3; // weight of the newest measurement of the speed
const LONGEST_REST = 30;
const FAULTS = 6; // answers in a row that the server failed, before a person is asked

/** States in which nothing will happen any more without a person. */
export const STILL = new Set(["ready", "refused", "ended", "asking", "paused", "elsewhere"]);
export const OVER = new Set(["ready", "refused"]);

/** An upload. Calls `changed(this)` after every change of its state or progress. */
export class Sending {
  #control = null;
  #wake = null;
  #renewed = false;
  #piece = FIRST;

  constructor(facts, changed) {
    Object.assign(this, { id: "", offset: 0, file: null, folder: "", alone: false, since: Date.now(), kept: false }, facts);
    Object.assign(this, { state: "waiting", problem: null, upload: null, sent: this.offset, speed: 0, again: 0 });
    this.changed = changed;
  }

  /** Change the state, and remember it for after a reload. */
  set(state, problem = null) {
    Object.assign(this, { state, problem });
    if (!this.key) return this.changed(this);
    if (OVER.has(state)) resume.forget(this.key);
    else if (state !== "elsewhere") this.note();
    return this.changed(this);
  }

  /** Write down how far it is; `tab` is who goes on with it. */
  note(tab = me) {
    const { id, name, size, offset, alone, since } = this;
    resume.write(this.key, { id, name, size, offset, alone, since, tab, paused: this.state === "paused" });
  }

  /** Seconds that the rest will take; null while nobody knows. */
  get left() {
    return this.speed && this.sent < this.size ? (this.size - this.sent) / this.speed : null;
  }

  /** Send until it is in, refused, or stopped by a person or another tab. */
  async run() {
    const control = new AbortController();
    this.#control = control;
    this.#renewed = false;
    let failures = 0;
    while (!control.signal.aborted) {
      try {
        this.set("sending");
        return await this.#through(control.signal, () => { failures = 0; });
      } catch (error) {
        if (control.signal.aborted) return undefined; // whoever stopped it has said why
        failures += 1;
        const rest = await this.#judge(error, failures);
        if (rest === null || control.signal.aborted) return undefined;
        await this.#rest(rest, error, control.signal);
      }
    }
    return undefined;
  }

  /** Stop sending; what arrived stays there. */
  stop(state, problem = null) {
    this.#control?.abort();
    this.#wake?.();
    this.speed = 0;
    this.sent = this.offset;
    this.set(state, problem);
  }

  /** Stop for good, and tell the server. */
  cancel() {
    this.#control?.abort();
    this.#wake?.();
    const unfinished = !OVER.has(this.state) || this.problem?.status >= 500;
    if (this.id && unfinished) tus.remove(this.id);
    if (this.key) resume.forget(this.key);
  }

  /** Don't wait any longer for the next attempt. */
  now() {
    this.#wake?.();
  }

  /** Forget what the server has of it. */
  anew() {
    Object.assign(this, { id: "", offset: 0, sent: 0, problem: null });
  }

  async #through(signal, went) {
    if (this.id) this.offset = await tus.offset(this.id, signal);
    else {
      this.id = await tus.create(this.file, signal);
      this.offset = 0;
      this.note();
    }
    while (this.offset < this.size) {
      went();
      if (resume.read(this.key)?.tab !== me) return this.stop("elsewhere");
      await this.#send(signal);
    }
    this.set("checking");
    const upload = await tus.outcome(this.id, signal);
    if (upload.status === "receiving") throw problemOf(503, "");
    return this.came(upload);
  }

  /** What the server made of the whole file. */
  came(upload) {
    if (upload.status === "rejected") return this.set("refused", new ApiError({ ...upload.error, hint: hintOf(upload.error.code) }, 422));
    this.upload = upload;
    return this.set("ready");
  }

  async #send(signal) {
    const began = performance.now();
    const at = this.offset;
    const end = Math.min(at + this.#piece, this.size);
    let before = { bytes: 0, time: began };
    const onProgress = (bytes) => {
      if (signal.aborted) return;
      const time = performance.now();
      if (at + bytes >= this.size) performance.mark("cutroom:sent"); // for who measures (benchmarks/rows/page.py)
      if (time - before.time > 200) {
        const speed = ((bytes - before.bytes) * 1000) / (time - before.time);
        this.speed = this.speed ? this.speed + SETTLING * (speed - this.speed) : speed;
        before = { bytes, time };
      }
      this.sent = Math.min(at + bytes, this.size);
      if (this.sent === this.size) this.set("checking");
      else this.changed(this);
    };
    this.offset = await tus.append(this.id, this.file.slice(at, end), at, { signal, onProgress });
    this.sent = this.offset;
    const pace = (this.offset - at) / Math.max((performance.now() - began) / 1000, 0.05);
    this.#piece = Math.max(LEAST, Math.min(MOST, this.#piece * 2, Math.round(pace * PIECE_SECONDS)));
    this.note();
    this.changed(this);
  }

  /** What an error means: seconds until the next attempt, or null when a person has to do something. */
  async #judge(error, failures) {
    if (!(error instanceof ApiError)) throw error;
    const { status } = error;
    if (status === 0 && !(await readable(this.file, this.offset))) return this.#unreadable();
    if (status === 401 || status === 403) return this.#strange(error);
    if (status === 409 && failures < FAULTS) return 0; // it is further than we thought: ask how far
    if (status === 423 || status === 429) return error.after || 1;
    if (status === 413 && !error.code && this.#piece > LEAST) { // something in between takes no pieces of that size
      this.#piece = LEAST;
      return 0;
    }
    if (this.id && status >= 400 && status < 500) return this.#look(error);
    if ((status >= 400 && status < 500) || status === 507 || (status === 500 && failures >= FAULTS)) return this.#give("refused", error);
    return Math.min(LONGEST_REST, 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
  }

  #give(state, problem) {
    this.speed = 0;
    this.set(state, problem);
    return null;
  }

  #unreadable() {
    this.file = null;
    const detail = say("“%(name)s” can no longer be read: it was moved, changed or deleted.", { name: this.name });
    return this.#give("asking", new ApiError({ code: "gone", detail, hint: say("Choose it once more to go on.") }, 0));
  }

  /** The server does not know us any more: once, a new token may help; after that only the person can. */
  async #strange(error) {
    if (this.#renewed) return this.#give("ended", error);
    this.#renewed = await renew();
    return this.#renewed ? 0 : 5;
  }

  /** An upload that was refused, finished or forgotten behind our back; the protocol's answers do not say which. */
  async #look(error) {
    try {
      const upload = await api(`uploads/${this.id}/`);
      if (upload.status === "ready" || upload.status === "rejected") {
        this.came(upload);
        return null;
      }
      return error.code ? this.#give("refused", error) : 1;
    } catch (other) {
      if (other.status !== 404 && other.status !== 410) return this.#judge(other, 1);
      const detail = this.#renewed ? say("Your session has ended, and what was sent belonged to it.") : say("The server no longer has what was sent of this file.");
      return this.#give("ended", new ApiError({ code: "gone", detail, hint: say("Send it once more; it belongs to the present session then.") }, 404));
    }
  }

  /** Wait, but not longer than until the browser says that it is online, or a person loses patience. */
  #rest(seconds, error, signal) {
    if (seconds <= 0 || signal.aborted) return Promise.resolve();
    this.again = Date.now() + seconds * 1000;
    this.speed = 0;
    this.sent = this.offset;
    this.set("resting", error);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        removeEventListener("online", done);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, seconds * 1000);
      this.#wake = done;
      addEventListener("online", done);
    });
  }
}

/** Whether the browser can still read a file's bytes: a file that changed fails like a lost connection. */
async function readable(file, at) {
  try {
    await file.slice(at, at + 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
