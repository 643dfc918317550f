// Following one job: server-sent events while they work, asking every so often where they don't.
import { api } from "./api.js";

const MOST_STREAMS = 3; // browsers open six connections to a host; pages and downloads need some
const POLL = 1500;
const PATIENCE = 3;
const OVER = new Set(["succeeded", "failed", "cancelled"]);
let streams = 0;

/** Follow `id` until it is over. `onProgress({progress, stage, eta_seconds})`, `onState(job)`. Returns a function that stops it. */
export function follow(id, { onProgress, onState }) {
  let source = null;
  let timer = 0;
  let stopped = false;
  let failures = 0;

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
      failures = 0;
      state(job);
      if (!stopped && job.status === "running") onProgress(job);
    } catch (error) {
      failures += 1;
      if (error.status === 404 || error.status === 403) return stop(); // no longer ours to see
    }
    if (!stopped) timer = setTimeout(poll, POLL * Math.min(1 + failures, 8) * (document.hidden ? 4 : 1));
    return undefined;
  };
  const listen = () => {
    streams += 1;
    source = new EventSource(`${document.body.dataset.api}jobs/${id}/events/`);
    source.addEventListener("state", (event) => { failures = 0; state(JSON.parse(event.data)); });
    source.addEventListener("progress", (event) => { failures = 0; if (!stopped) onProgress(JSON.parse(event.data)); });
    source.addEventListener("error", () => {
      // A stream that ends is opened again by the browser; one that is refused or keeps failing is not.
      failures += 1;
      if (source?.readyState === EventSource.CLOSED || failures > PATIENCE) {
        close();
        failures = 0;
        if (!stopped) poll();
      }
    });
  };
  if ("EventSource" in window && streams < MOST_STREAMS) listen();
  else poll();
  return stop;
}
