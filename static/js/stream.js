// What the server tries while somebody waits: one JSON object a line, until it is done or no longer wanted.
import { csrf, problemOf } from "./api.js";

/** POST `body` to a path below /api/v1/ and hand each event over as it comes. Rejects with ApiError, or AbortError. */
export async function follow(path, body, signal, told) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
  let response;
  try {
    response = await fetch(document.body.dataset.api + path, { method: "POST", headers, body: JSON.stringify(body), signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw problemOf(0, "");
  }
  if (!response.ok) throw problemOf(response.status, await response.text());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) told(JSON.parse(line));
  }
}

/** An address for bytes that came as base64; whoever takes it gives it back with `URL.revokeObjectURL`. */
export const addressOf = (data, mime) => URL.createObjectURL(new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], { type: mime }));
