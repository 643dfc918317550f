// A stand-in for what this browser can't play: the server makes it while somebody waits, with the same frames at the same times.
import { announce, one } from "./dom.js";
import { say } from "./words.js";

const PAUSE = 700; // milliseconds between two questions

/** Ask for the stand-in of a stage until it is there. Resolves to its address; null where there is none. */
export async function standIn(stage, signal) {
  const box = one("[data-stand-in]", stage);
  if (!box) return null;
  const url = box.dataset.standIn;
  const bar = one("[data-stand-in-bar]", box);
  const text = one("[data-stand-in-text]", box);
  text.textContent = text.dataset.text;
  box.hidden = false;
  try {
    for (;;) {
      const response = await fetch(url, { signal, headers: { Range: "bytes=0-0" } });
      if (response.status !== 202) {
        if (response.ok) announce(say("The stand-in is ready to play."));
        return response.ok ? url : null;
      }
      const { progress } = await response.json();
      if (progress > 0) bar.value = progress;
      await wait(PAUSE, signal);
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null; // the connection is gone: the filmstrip still serves
  } finally {
    box.hidden = true;
  }
}

function wait(time, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, time);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(new DOMException("left", "AbortError")); }, { once: true });
  });
}
