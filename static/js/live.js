// Following one job: server-sent events while they work, asking every so often where they don't.
import { api, root } from "./api.js";

const MOST_STREAMS = 2; // browsers open six connections to a host; uploads take two, and pages and downloads need some
const POLL = 1500;
const PATIENCE = 3;
const OVER = new Set(["succeeded", "failed", "cancelled"]);
let streams = 0;

/** Follow `id` until it is over. Returns a function that stops it.
 *
 * `onProgress({progress, stage, eta_seconds, queue_position})`, `onState(job)`; `onLost(lost)` tells when the server stops and
 * begins to answer.
 */
export function follow(id, { onProgress, onState, onLost }) {
  let source = null;
  let timer = 0;
  let stopped = false;
  let failures = 0;
  let lost = false;

  const heard = (good) => {
    failures = good ? 0 : failures + 1;
    if (lost === !good) return;
    lost = !good;
    if (!stopped) onLost(lost);
  };
  const close = () => {
    if (source) {
      source.close();
      source = null;
      streams -= 1;
    }
  };
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
    close();
  };
  const state = (job) => {
    if (stopped) return;
    onState(job);
    if (OVER.has(job.status)) stop();
  };
  const poll = async () => {
    try {
      const job = await api(`jobs/${id}/`);
      heard(true);
      state(job);
      if (!stopped) onProgress(job);
    } catch (error) {
      heard(false);
      if (error.status === 404 || error.status === 403) return stop(); // no longer ours to see
    }
    if (!stopped) timer = setTimeout(poll, POLL * Math.min(1 + failures, 8) * (document.hidden ? 4 : 1));
    return undefined;
  };
  const listen = () => {
    streams += 1;
    source = new EventSource(`${root()}jobs/${id}/events/`);
    source.addEventListener("state", (event) => { heard(true); state(JSON.parse(event.data)); });
    source.addEventListener("progress", (event) => { heard(true); if (!stopped) onProgress(JSON.parse(event.data)); });
    source.addEventListener("error", () => {
      // A stream that ends is opened again by the browser; one that is refused or keeps failing is not.
      failures += 1;
      if (source?.readyState === EventSource.CLOSED || failures > PATIENCE) {
        close();
        if (!stopped) poll();
      }
    });
  };
  if ("EventSource" in window && streams < MOST_STREAMS) listen();
  else poll();
  return stop;
}
