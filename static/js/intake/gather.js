// The files in what somebody dropped, pasted or chose, folders opened.
import { isLitter } from "./refusals.js";

const MOST = 1000;
const DEEPEST = 12;

/** A list of `{file, folder}` from a drop or a paste, `folder` being the name of the folder that was dropped, or empty.
 *
 * Must be called in the event itself: afterwards the browser has closed its hands. Resolves to `{found, more}`; `more` tells that
 * there were too many.
 */
export function gather(transfer) {
  const items = [...(transfer?.items ?? [])].filter((item) => item.kind === "file");
  const opened = items.map((item) => {
    const entry = item.webkitGetAsEntry?.();
    return entry?.isDirectory ? { entry } : { file: item.getAsFile() };
  });
  return collect(opened.length ? opened : [...(transfer?.files ?? [])].map((file) => ({ file })));
}

/** The same from a file input, whose files know the folder that was chosen. */
export function chosen(input) {
  const found = [...input.files]
    .map((file) => ({ file, folder: file.webkitRelativePath?.split("/")[0] ?? "" }))
    .filter(({ file, folder }) => !folder || !file.webkitRelativePath.split("/").some(isLitter));
  return { found: found.slice(0, MOST), more: found.length > MOST };
}

async function collect(opened) {
  const found = [];
  for (const { file, entry } of opened) {
    if (file) found.push({ file, folder: "" });
    else if (entry) await walk(entry, entry.name, found, 0);
  }
  return { found: found.slice(0, MOST), more: found.length > MOST };
}

async function walk(entry, folder, found, depth) {
  if (found.length > MOST || depth > DEEPEST || isLitter(entry.name)) return;
  if (entry.isFile) {
    found.push({ file: await new Promise((resolve, reject) => { entry.file(resolve, reject); }), folder });
    return;
  }
  const reader = entry.createReader();
  const inside = [];
  for (;;) { // a reader hands out a hundred at a time
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!some.length) break;
    inside.push(...some);
  }
  inside.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  for (const each of inside) await walk(each, folder, found, depth + 1);
}
