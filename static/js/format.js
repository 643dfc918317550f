// Times, sizes and waits as people read and type them; converter/templatetags/cutroom.py says the same on the server.

import { say } from "./words.js";

const POINT = (0.5).toLocaleString(document.documentElement.lang || "en", { numberingSystem: "latn" }).charAt(1);
const CLOCK = /^(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,7}(?:[.,]\d{0,9})?|[.,]\d{1,9})\s*s?$/;

/** Seconds from `62.5`, `1:02.5` or `1:00:02`; NaN for anything else. */
export function parseTime(text) {
  const match = CLOCK.exec(String(text).trim());
  if (!match) return NaN;
  const [, hours, minutes, rest] = match;
  const seconds = Number(rest.replace(",", "."));
  if ((hours !== undefined && Number(minutes) >= 60) || (minutes !== undefined && seconds >= 60)) return NaN;
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + seconds;
}

/** `1:02.5` from seconds, to the millisecond; `digits` fixes the number of decimals. */
export function clock(seconds, digits) {
  const unit = 10 ** (digits ?? 3);
  const whole = Math.round(Math.max(0, seconds) * unit);
  const total = Math.floor(whole / unit);
  let part = String(whole % unit).padStart(digits ?? 3, "0");
  if (digits === undefined) part = part.replace(/0+$/, "");
  const two = (value) => String(value).padStart(2, "0");
  const minutes = Math.floor(total / 60);
  const head = minutes >= 60 ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}` : String(minutes);
  return `${head}:${two(total % 60)}${part && digits !== 0 ? `.${part}` : ""}`;
}

/** A plain decimal with the decimal point of the reader's language; times keep theirs, as they are typed. */
const pointed = (text) => text.replace(".", POINT);

/** `6 s` or `6.25 s`. */
export const seconds = (value) => pointed(`${Number(value.toFixed(2))} s`);

/** `38.4 MB`; a MB is a million bytes. */
export function bytes(count) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let value = count;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return pointed(`${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`);
}

/** `12 s left`, `3 min left`. */
export function left(wait) {
  if (wait === null || wait === undefined || !Number.isFinite(wait)) return "";
  if (wait < 1) return say("almost done");
  if (wait < 90) return say("%(n)s s left", { n: Math.ceil(wait) });
  if (wait < 5400) return say("%(n)s min left", { n: Math.round(wait / 60) });
  return say("%(n)s h left", { n: pointed((wait / 3600).toFixed(1)) });
}
