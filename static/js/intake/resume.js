// What outlives a page: which uploads are under way, and where the browser lets us, the files themselves.
//
// localStorage holds one small entry per upload, seen by every tab; IndexedDB holds the files. Both work without a
// secure context, and the page works without either: then an upload lives as long as its page.

const PREFIX = "cutroom-incoming:";
const DATABASE = "cutroom";
const FILES = "incoming";
const LARGEST = 256e6; // bytes of a file that is worth a second copy on the disk
const MOST = 1e9; // bytes of all of them
const OLDEST = 24 * 3600 * 1000; // milliseconds; the server forgets an unfinished upload after about as long
const SAMPLE = 64 * 1024;

const memory = new Map(); // stands in where storage is switched off

/** What tells a file from every other: its name, its size and samples of its bytes. No time stamp: copies and downloads change it. */
export async function fingerprint(file) {
  const places = [0, Math.floor(file.size / 2) - SAMPLE / 2, file.size - SAMPLE].map((at) => Math.max(0, at));
  let high = 0xdeadbeef ^ file.size;
  let low = 0x41c6ce57 ^ file.size;
  for (const at of places) {
    for (const byte of new Uint8Array(await file.slice(at, at + SAMPLE).arrayBuffer())) {
      high = Math.imul(high ^ byte, 2654435761);
      low = Math.imul(low ^ byte, 1597334677);
    }
  }
  const hex = (value) => (value >>> 0).toString(16).padStart(8, "0");
  return `${file.size.toString(36)}-${hex(high)}${hex(low)}-${file.name}`;
}

/** All entries that are not too old, by fingerprint. */
export function entries() {
  const found = new Map();
  for (const key of stored()) {
    const entry = read(key);
    if (!entry || Date.now() - entry.at > OLDEST) forget(key);
    else found.set(key, entry);
  }
  return found;
}

/** The entry of a fingerprint: `{id, name, size, offset, alone, paused, tab, at}`; null where there is none. */
export function read(key) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key));
  } catch {
    return memory.get(key) ?? null;
  }
}

/** Write an entry; every other tab hears of it. */
export function write(key, entry) {
  const whole = { ...entry, at: Date.now() };
  memory.set(key, whole);
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(whole));
  } catch { /* storage is off or full: this page still knows */ }
}

/** The upload is over, one way or the other. */
export function forget(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(PREFIX + key);
  } catch { /* storage is off */ }
  files("readwrite", (store) => store.delete(key)).catch(() => {}); // what stays is thrown away when it is old
}

/** Call `changed(key, entry or null)` whenever another tab writes or forgets an entry. */
export function onChange(changed) {
  addEventListener("storage", ({ key, newValue }) => {
    if (key?.startsWith(PREFIX)) changed(key.slice(PREFIX.length), newValue && JSON.parse(newValue));
  });
}

/** Keep a copy of a file for after a reload; false where the browser or its size forbids it. */
export async function keep(key, file) {
  if (file.size > LARGEST) return false;
  try {
    const known = await files("readonly", (store) => store.getAll());
    if (known.reduce((sum, { file: other }) => sum + other.size, file.size) > MOST) return false;
    await files("readwrite", (store) => store.put({ key, file, at: Date.now() }));
    return true;
  } catch {
    return false; // no IndexedDB, or no room: the person is asked for the file instead
  }
}

/** The copy that was kept; null where there is none. */
export async function kept(key) {
  try {
    return (await files("readonly", (store) => store.get(key)))?.file ?? null;
  } catch {
    return null;
  }
}

/** Throw away copies of uploads that nobody knows of any more. */
export async function tidy() {
  try {
    const keys = await files("readonly", (store) => store.getAllKeys());
    const known = new Set(stored()); // asked afterwards: an upload is noted before its copy is kept
    for (const key of keys) {
      if (!known.has(key)) await files("readwrite", (store) => store.delete(key));
    }
  } catch { /* no IndexedDB: nothing was kept */ }
}

function stored() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
  } catch {
    return [...memory.keys()];
  }
}

let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(FILES, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/** Run one request in a transaction of its own; resolves to its result once the transaction is through. */
async function files(mode, act) {
  const transaction = (await database()).transaction(FILES, mode);
  const request = act(transaction.objectStore(FILES));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}
