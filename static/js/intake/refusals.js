// What the browser can refuse before a byte is sent, in the server's own words, which the page carries.
import { ApiError } from "../api.js";

const NO_MEDIA = /\.(exe|msi|dmg|pkg|deb|rpm|apk|iso|img|zip|rar|7z|gz|bz2|xz|tar|pdf|docx?|xlsx?|pptx?|od[tsp]|epub|psd|ai|eps|txt|md|rtf|html?|xml|css|jsx?|tsx|mjs|py|rb|rs|go|c|h|cpp|java|sh|json|ya?ml|toml|csv|log|sql|sqlite3?|db|srt|vtt|ass|m3u8?|pls|mpd|sdp|svg|torrent|ttf|otf|woff2?|lnk|url|webloc|tmp|part|crdownload|ini|cfg)$/i;
const MEDIA_TYPE = /^(video|audio)\/|^image\/(?!svg)/;
const HIDDEN = /^(\.|~\$)|^(thumbs\.db|desktop\.ini)$/i;
const HEAD = 16;

const facts = JSON.parse(document.getElementById("intake-data")?.textContent ?? "{}");

/** A refusal by its code, with the sentence that the server has for it. */
function refused(code, detail) {
  return new ApiError({ code, detail: detail || facts.refusals?.[code]?.detail, hint: facts.refusals?.[code]?.hint }, 0);
}

/** What helps against a code; empty where nothing is known. */
export const hintOf = (code) => facts.refusals?.[code]?.hint ?? "";

/** Files that systems leave in every folder, and which nobody means to bring in. */
export const isLitter = (name) => HIDDEN.test(name);

/** Why a file cannot be taken, before a byte is sent; null when it may be. Reads a few bytes at most. */
export async function refusal(file) {
  if (file.size === 0) return refused("corrupt_media", facts.empty);
  if (file.size > facts.maxBytes) return refused("too_large", facts.tooLarge);
  if (NO_MEDIA.test(file.name) && !MEDIA_TYPE.test(file.type) && !(await looksLikeMedia(file))) return refused("unsupported_media");
  return null;
}

/** Whether a file with another kind of name begins like media: people rename, and the server goes by the content too. */
async function looksLikeMedia(file) {
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
  return head.slice(4, 8) === "ftyp" || /^(RIFF|\x1aE\xdf\xa3|GIF8|\x89PNG|\xff\xd8\xff|OggS|fLaC|ID3|FLV\x01|II\*\0|MM\0\*)/.test(head);
}
