// Bringing a file in: dropped anywhere, pasted or chosen; sent with progress; refused early where the browser can know.
import { csrf, problemOf, ApiError } from "./api.js";
import { announce, one } from "./dom.js";
import { bytes, left } from "./format.js";

const NOT_MEDIA = /\.(exe|msi|dmg|zip|rar|7z|gz|pdf|docx?|xlsx?|pptx?|txt|html?|js|py|json|csv|m3u8?|mpd|svg|torrent|iso)$/i;

/** Why a file cannot be taken, before a byte is sent; null when it may be. */
export function refusal(file, maxBytes) {
  if (file.size === 0) return new ApiError({ code: "corrupt_media", detail: `${file.name} is empty.`, hint: "Choose the file once more, or export it again." });
  if (file.size > maxBytes) return new ApiError({ code: "too_large", detail: `${file.name} has ${bytes(file.size)}; this server takes at most ${bytes(maxBytes)}.`, hint: "Send a smaller file, or ask the operator to raise the limit." });
  if (NOT_MEDIA.test(file.name)) return new ApiError({ code: "unsupported_media", detail: `${file.name} is not a clip, sound or picture.`, hint: "MP4, MOV, WebM, MKV, AVI, GIF and the common sound and picture formats work." });
  return null;
}

/** Send one file. `onProgress({sent, total, speed, eta})`; `signal` stops it. Resolves to the upload. */
export function send(file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const began = performance.now();
    const body = new FormData();
    body.append("file", file, file.name || "pasted");
    request.upload.addEventListener("progress", (event) => {
      const elapsed = (performance.now() - began) / 1000;
      const speed = elapsed > 0.2 ? event.loaded / elapsed : 0;
      onProgress({ sent: event.loaded, total: event.total || file.size, speed, eta: speed ? (event.total - event.loaded) / speed : null });
    });
    request.addEventListener("load", () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText));
      else reject(problemOf(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(problemOf(0, "")));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", `${document.body.dataset.api}uploads/`);
    request.setRequestHeader("X-CSRFToken", csrf());
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
  });
}

/** The page's intake: listens everywhere, shows what happens in the drop zone, calls `onUpload(upload)`. */
export class Intake {
  #sending = null;

  constructor({ onUpload, showZone }) {
    this.onUpload = onUpload;
    this.showZone = showZone;
    this.maxBytes = Number(document.body.dataset.maxBytes);
    this.#listenForDrops();
    document.addEventListener("paste", (event) => this.#take(event.clipboardData?.files, event));
    document.addEventListener("change", (event) => event.target.matches("[data-file]") && this.#take(event.target.files, event));
    document.addEventListener("submit", (event) => event.target.matches("[data-drop]") && event.preventDefault());
    document.addEventListener("click", (event) => event.target.closest("[data-stop]") && this.#sending?.abort());
    addEventListener("beforeunload", (event) => this.#sending && event.preventDefault());
  }

  #listenForDrops() {
    const veil = one("[data-veil]");
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; veil.hidden = false; } });
    document.addEventListener("dragleave", (event) => { if (carriesFiles(event) && --depth <= 0) { depth = 0; veil.hidden = true; } });
    document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
    document.addEventListener("drop", (event) => {
      depth = 0;
      veil.hidden = true;
      this.#take(event.dataTransfer?.files, event);
    });
  }

  async #take(files, event) {
    const file = files?.[0];
    if (!file || this.#sending) return;
    if (event.type !== "change") event.preventDefault();
    const sending = new AbortController();
    this.#sending = sending;
    try {
      const zone = await this.showZone();
      const refused = refusal(file, this.maxBytes);
      if (refused) throw refused;
      this.#begin(zone, file);
      const upload = await send(file, { onProgress: (state) => this.#progress(zone, state), signal: sending.signal });
      this.#sending = null;
      announce(`${file.name} is in.`);
      await this.onUpload(upload);
    } catch (error) {
      this.#sending = null;
      this.#end(one("[data-drop]"), error.name === "AbortError" ? null : error);
    }
  }

  #begin(zone, file) {
    one("[data-problem]", zone).hidden = true;
    one("[data-idle]", zone).hidden = true;
    one("[data-sending]", zone).hidden = false;
    one("[data-name]", zone).textContent = file.name || "Pasted file";
    one("[data-bar]", zone).value = 0;
    one("[data-line]", zone).textContent = "";
    one("[data-stop]", zone).focus();
    announce(`Sending ${file.name}.`);
  }

  #progress(zone, { sent, total, speed, eta }) {
    const bar = one("[data-bar]", zone);
    const done = sent >= total;
    if (done) bar.removeAttribute("value");
    else bar.value = (100 * sent) / total;
    const rate = speed ? `${bytes(speed)}/s` : "";
    one("[data-line]", zone).textContent = done ? "Looking at the clip…" : [`${bytes(sent)} of ${bytes(total)}`, rate, left(eta)].filter(Boolean).join(" · ");
  }

  #end(zone, problem) {
    if (!zone) return;
    one("[data-idle]", zone).hidden = false;
    one("[data-sending]", zone).hidden = true;
    const input = one("[data-file]", zone);
    input.value = "";
    const box = one("[data-problem]", zone);
    box.hidden = !problem;
    if (problem) {
      one("[data-detail]", box).textContent = problem.detail ?? String(problem.message);
      one("[data-hint]", box).textContent = problem.more;
    }
    input.focus();
  }
}
