// Several tabs of one browser: who is alive. Works without a secure context, where Web Locks are missing.

const PATIENCE = 15_000; // milliseconds for an answer: a background tab hears messages at once, but its machine may be busy

/** This page's name among the tabs; a new one with every load. */
export const me = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const channel = "BroadcastChannel" in window ? new BroadcastChannel("cutroom-incoming") : null;
const waiting = new Map();

channel?.addEventListener("message", ({ data }) => {
  if (data.ask === me) channel.postMessage({ here: me });
  if (data.here) waiting.get(data.here)?.(true);
});

/** Whether the tab of that name still answers. */
export function alive(tab) {
  if (!tab || !channel) return Promise.resolve(false);
  if (tab === me) return Promise.resolve(true);
  return new Promise((resolve) => {
    const timer = setTimeout(() => answer(false), PATIENCE);
    const answer = (value) => {
      clearTimeout(timer);
      waiting.delete(tab);
      resolve(value);
    };
    waiting.set(tab, answer);
    channel.postMessage({ ask: tab });
  });
}
