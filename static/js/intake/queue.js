// All the files that are on their way, of this page and of those before it.
import { ApiError, api } from "../api.js";
import { say } from "../words.js";
import { hintOf, refusal } from "./refusals.js";
import * as resume from "./resume.js";
import { OVER, Sending, STILL } from "./sending.js";
import { alive, me } from "./tabs.js";

const AT_ONCE = 2; // a browser opens six connections to a host, and jobs are followed on some
const WORTH_KEEPING = 1000; // milliseconds: what is through before was not worth a copy

/** Events: `added`, `removed` and `changed`, each with the upload as `detail`; `known` for a file that is there already. */
export class Queue extends EventTarget {
  items = [];

  constructor() {
    super();
    resume.onChange((key, entry) => this.#elsewhere(key, entry));
    addEventListener("pagehide", () => this.#release());
    addEventListener("pageshow", (event) => event.persisted && this.#return());
  }

  /** Uploads that will go on by themselves. */
  get busy() {
    return this.items.filter((item) => !STILL.has(item.state));
  }

  /** Take files in; a refused one gets its row too, those of a folder share one. */
  async add(found, { more = false } = {}) {
    const alone = found.length === 1 && this.busy.length === 0;
    const skipped = new Map();
    for (const { file, folder } of found) {
      const [problem, key] = await examine(file);
      if (problem && folder) skipped.set(folder, [...(skipped.get(folder) ?? []), [file.name, problem]]);
      else if (problem) this.#put(new Sending({ key: "", name: file.name, size: file.size, folder }, this.#changed)).set("refused", problem);
      else await this.#take(key, file, { folder, alone });
    }
    for (const [folder, names] of skipped) this.#skip(folder, names);
    if (more) this.#skip("", [], say("Only the first %(n)s files were taken; bring the others in afterwards.", { n: found.length }));
    this.#pump();
  }

  /** Bring back what an earlier page left unfinished. */
  async restore() {
    const left = [...resume.entries()].sort(([, one], [, other]) => (one.since ?? 0) - (other.since ?? 0));
    const inherited = left.filter(([key]) => !this.items.some((item) => item.key === key)).map(([key, entry]) => {
      const item = new Sending({ ...entry, key, alone: entry.alone && left.length === 1, restored: true }, this.#changed);
      if (entry.tab) item.state = "elsewhere";
      this.#put(item);
      return this.#inherit(item, entry);
    });
    await Promise.all(inherited);
    await resume.tidy();
  }

  /** The file that a row asked for; another one is told apart. */
  async answer(item, file) {
    const [problem, key] = await examine(file);
    if (problem || key.split("-", 2).join() !== item.key.split("-", 2).join()) {
      const detail = say("“%(other)s” is not the file that was begun.", { other: file.name });
      return item.set("asking", problem ?? new ApiError({ code: "conflict", detail, hint: say("Choose “%(name)s”, or remove this row and bring the other one in.", { name: item.name }) }, 0));
    }
    item.file = file;
    return this.go(item);
  }

  pause(item) {
    item.stop("paused");
    this.#pump();
  }

  /** Go on with a paused, refused, ended or lost one; `anew` forgets what the server has. */
  async go(item, { anew = false } = {}) {
    if (anew) item.anew();
    if (item.state === "resting") return item.now();
    item.file ??= await resume.kept(item.key);
    item.set(item.file ? "waiting" : "asking");
    return this.#pump();
  }

  /** Take a row away; an unfinished upload is given up. */
  remove(item) {
    if (item.state !== "elsewhere") item.cancel();
    this.#drop(item);
    this.#pump();
  }

  #changed = (item) => this.#tell("changed", item);

  #tell(name, item) {
    this.dispatchEvent(new CustomEvent(name, { detail: item }));
  }

  #put(item) {
    this.items.push(item);
    this.#tell("added", item);
    return item;
  }

  #drop(item) {
    this.items = this.items.filter((other) => other !== item);
    this.#tell("removed", item);
  }

  async #take(key, file, { folder, alone }) {
    const known = this.items.find((item) => item.key === key);
    if (known && known.state === "refused") this.remove(known);
    else if (known) {
      known.file ??= file;
      const waits = ["asking", "paused", "resting", "ended"].includes(known.state);
      return waits ? this.go(known, { anew: known.state === "ended" }) : this.#tell("known", known);
    }
    const entry = resume.read(key);
    const item = new Sending({ key, file, name: file.name, size: file.size, ...entry, folder, alone }, this.#changed);
    const foreign = Boolean(entry?.tab) && entry.tab !== me;
    if (foreign) item.state = "elsewhere";
    else item.note();
    this.#put(item);
    if (foreign) this.#inherit(item, entry);
    setTimeout(() => this.#keep(item), WORTH_KEEPING);
    return undefined;
  }

  async #keep(item) {
    if (OVER.has(item.state) || item.state === "elsewhere" || !item.file || !this.items.includes(item)) return;
    item.kept = await resume.keep(item.key, item.file);
    if (OVER.has(item.state) || !this.items.includes(item)) resume.forget(item.key);
    else this.#changed(item);
  }

  #skip(folder, names, text = "") {
    const detail = text || say.many("%(n)s file in “%(folder)s” can’t be taken.", "%(n)s files in “%(folder)s” can’t be taken.", names.length, { folder });
    const list = names.map(([name, problem]) => `${name}: ${problem.detail}`);
    const item = this.#put(new Sending({ key: "", name: folder, size: null, list }, this.#changed));
    item.set("refused", new ApiError({ detail, hint: names.length === 1 ? hintOf(names[0][1].code) : "" }, 0));
  }

  /** Go on with what another page began, unless that one still lives. It may be through meanwhile: its last answer came too late. */
  async #inherit(item, { tab, paused }) {
    if (tab && (await alive(tab))) return;
    const before = item.state;
    const copy = item.file ? null : await resume.kept(item.key);
    const upload = item.id ? await api(`uploads/${item.id}/`).catch(() => null) : null; // sending will tell what is the matter
    const heir = resume.read(item.key)?.tab ?? me;
    if (!this.items.includes(item) || item.state !== before || (heir !== tab && heir !== me)) return; // somebody decided otherwise
    item.file ??= copy;
    item.kept = Boolean(copy);
    if (upload?.status === "ready" || upload?.status === "rejected") item.came(upload);
    else if (paused) item.set("paused");
    else item.set(item.file ? "waiting" : "asking");
    this.#pump();
  }

  #pump() {
    let free = AT_ONCE - this.items.filter((item) => item.running).length;
    for (const item of this.items) {
      if (free <= 0) return;
      if (item.state !== "waiting" || !item.file || item.running) continue;
      free -= 1;
      item.running = true;
      item.run().finally(() => {
        item.running = false;
        this.#pump();
      });
    }
  }

  /** Another tab wrote about an upload: the last to write is the one who sends. */
  #elsewhere(key, entry) {
    const item = this.items.find((other) => other.key === key);
    if (!item || OVER.has(item.state)) return;
    if (!entry) { // it came in there, or was given up there
      item.stop("elsewhere");
      this.#drop(item);
      this.#pump();
    } else if (entry.tab && entry.tab !== me) {
      Object.assign(item, { id: entry.id, offset: entry.offset });
      item.stop("elsewhere");
      this.#pump();
    } else if (!entry.tab && item.state === "elsewhere" && item.file) {
      Object.assign(item, { id: entry.id, offset: entry.offset });
      this.go(item);
    }
  }

  /** This page goes away: what is on its way is anybody's. */
  #release() {
    for (const item of this.items) {
      if (!item.key || OVER.has(item.state) || item.state === "elsewhere") continue;
      if (!STILL.has(item.state)) item.stop("waiting");
      item.note("");
    }
  }

  /** It came back from the browser's memory. */
  async #return() {
    for (const item of [...this.items]) {
      if (!item.key || OVER.has(item.state)) continue;
      const entry = resume.read(item.key);
      if (!entry) this.#drop(item);
      else if (entry.tab && entry.tab !== me) item.stop("elsewhere");
      else item.note();
    }
    this.#pump();
  }
}

/** Why a file can't be taken, and its fingerprint. A file that can't even be read is refused too. */
async function examine(file) {
  try {
    const problem = await refusal(file);
    return [problem, problem ? "" : await resume.fingerprint(file)];
  } catch {
    const detail = say("“%(name)s” can’t be read.", { name: file.name });
    return [new ApiError({ code: "not_allowed", detail, hint: say("Is it still there, and may this browser read it?") }, 0), ""];
  }
}


