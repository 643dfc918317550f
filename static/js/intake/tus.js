// The tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload), as much of it as a browser needs.
// One request each: who tries again, and when, is the queue's to know.
import { api, ApiError, csrf, problemOf } from "../api.js";

const VERSION = "1.0.0";
const PIECE = "application/offset+octet-stream";
const SILENCE = 30_000; // milliseconds without a byte leaving before a connection counts as lost
const CHECK = 180_000; // and until the answer to the last byte: the server looks into the file before it answers

const place = (id = "") => `${document.body.dataset.api}uploads/tus/${id && `${id}/`}`;

/** Announce a file; resolves to the upload's id. A lost answer leaves an empty upload that the server forgets by itself. */
export async function create(file, signal) {
  const metadata = [["filename", file.name || "file"], ["filetype", file.type]].filter(([, value]) => value);
  const headers = { "Upload-Length": String(file.size), "Upload-Metadata": metadata.map(([key, value]) => `${key} ${base64(value)}`).join(",") };
  const request = await ask("POST", place(), { headers, signal });
  const id = /([0-9a-f-]{36})\/?$/.exec(request.getResponseHeader("Location") ?? "")?.[1];
  if (!id) throw problemOf(502, ""); // something in between answered for the server
  return id;
}

/** How many bytes of an upload have arrived. */
export async function offset(id, signal) {
  const request = await ask("HEAD", place(id), { signal, patience: CHECK });
  return told(request);
}

/** Send a piece from `at` on; resolves to the new offset. `onProgress(bytes)` tells how many of the piece have left. */
export async function append(id, blob, at, { signal, onProgress }) {
  const headers = { "Upload-Offset": String(at), "Content-Type": PIECE };
  return told(await ask("PATCH", place(id), { headers, signal, body: blob, onProgress }));
}

/** Give an upload up. Nobody need wait for it: what the server does not hear of, it forgets by itself. */
export function remove(id) {
  const headers = { "Tus-Resumable": VERSION, "X-CSRFToken": csrf() };
  return fetch(place(id), { method: "DELETE", headers, keepalive: true, credentials: "same-origin" }).then(() => true, () => false);
}

/** The upload itself, once the server has looked at it. Rejects with the refusal of a file that it did not take. */
export async function outcome(id, signal) {
  for (;;) {
    const upload = await api(`uploads/${id}/`, { signal });
    if (upload.status !== "checking") return upload;
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
}

function told(request) {
  const at = Number(request.getResponseHeader("Upload-Offset") ?? NaN);
  if (!Number.isInteger(at)) throw problemOf(502, "");
  return at;
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** One request, by XMLHttpRequest, which alone tells how much of a body has left. */
function ask(method, url, { headers = {}, body = null, signal, onProgress, patience = SILENCE }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const wait = (most) => {
      clearTimeout(timer);
      timer = setTimeout(() => { request.abort(); end(reject, problemOf(0, "")); }, most);
    };
    const stop = () => { request.abort(); end(reject, new DOMException("stopped", "AbortError")); };
    const end = (settle, value) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      settle(value);
    };
    request.upload.addEventListener("progress", (event) => { wait(patience); onProgress?.(event.loaded); });
    request.upload.addEventListener("load", () => wait(CHECK));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) end(resolve, request);
      else end(reject, refusalOf(request));
    });
    request.addEventListener("error", () => end(reject, problemOf(0, "")));
    signal?.addEventListener("abort", stop);
    request.open(method, url);
    const all = { "Tus-Resumable": VERSION, Accept: "application/json", "X-CSRFToken": csrf(), ...headers };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    if (signal?.aborted) return stop();
    wait(patience);
    request.send(body);
    return undefined;
  });
}

/** What a refused request says. `after` is how long the server asks to wait, in seconds. */
function refusalOf(request) {
  const problem = problemOf(request.status, request.responseText);
  return Object.assign(new ApiError(problem, request.status), { after: Number(request.getResponseHeader("Retry-After")) || 0, ours: Boolean(problem.code) });
}
