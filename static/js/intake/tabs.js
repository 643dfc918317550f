// Several tabs of one browser: who is alive. A tab holds a lock that ends with it; without a secure context, where there are no
// Web Locks, it answers or does not.

const PATIENCE = 15_000; // milliseconds for an answer: a background tab hears messages at once, but its machine may be busy

/** This page's name among the tabs; a new one with every load. */
export const me = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const channel = "BroadcastChannel" in window ? new BroadcastChannel("cutroom-incoming") : null;
const waiting = new Map();
const lockOf = (tab) => `cutroom-tab-${tab}`;
navigator.locks?.request(lockOf(me), () => new Promise(() => {})).catch(() => null);

channel?.addEventListener("message", ({ data }) => {
  if (data.ask === me) channel.postMessage({ here: me });
  if (data.here) waiting.get(data.here)?.(true);
});

// Known at once: nobody holds its lock. False where that can't be told.
async function gone(tab) {
  try {
    const { held, pending } = await navigator.locks.query();
    return ![...held, ...pending].some(({ name }) => name === lockOf(tab));
  } catch {
    return false;
  }
}

/** Whether the tab of that name still answers. */
export async function alive(tab) {
  if (!tab || !channel) return false;
  if (tab === me) return true;
  if (await gone(tab)) return false;
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
