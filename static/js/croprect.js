// A rectangle in a picture, in whole pixels: moved, resized, held to a shape. Pure arithmetic.

const LEAST = 16; // pixels; a smaller part is a slip of the hand

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The largest rectangle of `ratio` (width by height; 0: any) about the middle of `rect`, no larger than it in area, inside the picture. */
export function shaped(rect, ratio, bounds) {
  if (!ratio) return whole(rect, bounds);
  const width = Math.min(Math.sqrt(rect.width * rect.height * ratio), bounds.width, bounds.height * ratio);
  const height = width / ratio;
  return whole({ x: rect.x + (rect.width - width) / 2, y: rect.y + (rect.height - height) / 2, width, height }, bounds);
}

/** Move it, without leaving the picture. */
export function moved(rect, dx, dy, bounds) {
  return whole({ ...rect, x: clamp(rect.x + dx, 0, bounds.width - rect.width), y: clamp(rect.y + dy, 0, bounds.height - rect.height) }, bounds);
}

/** Pull an edge or corner ("n", "se", …) by so many pixels; with a ratio the other side follows, and the opposite corner stays. */
export function pulled(rect, edge, dx, dy, ratio, bounds) {
  const [west, east, north, south] = ["w", "e", "n", "s"].map((side) => edge.includes(side));
  const right = rect.x + rect.width;
  const bottom = rect.y + rect.height;
  const least = Math.min(LEAST, bounds.width, bounds.height);
  const room = { width: west ? right : bounds.width - rect.x, height: north ? bottom : bounds.height - rect.y };
  let width = clamp(rect.width + (east ? dx : west ? -dx : 0), least, room.width);
  let height = clamp(rect.height + (south ? dy : north ? -dy : 0), least, room.height);
  if (ratio) {
    if (!(east || west) || ((north || south) && Math.abs(dy) * ratio > Math.abs(dx))) width = height * ratio;
    width = Math.min(width, room.width, room.height * ratio);
    height = width / ratio;
  }
  return whole({ x: west ? right - width : rect.x, y: north ? bottom - height : rect.y, width, height }, bounds);
}

/** Whole pixels inside of the picture. */
export function whole(rect, bounds) {
  const width = clamp(Math.round(rect.width), 1, bounds.width);
  const height = clamp(Math.round(rect.height), 1, bounds.height);
  return { x: clamp(Math.round(rect.x), 0, bounds.width - width), y: clamp(Math.round(rect.y), 0, bounds.height - height), width, height };
}

/** Where a rectangle lies after the picture was turned by so many degrees clockwise; `bounds` are those before. */
export function turned({ x, y, width, height }, degrees, bounds) {
  const [right, bottom] = [bounds.width - x - width, bounds.height - y - height];
  if (degrees === 90) return { x: bottom, y: x, width: height, height: width };
  if (degrees === 180) return { x: right, y: bottom, width, height };
  if (degrees === 270) return { x: y, y: right, width: height, height: width };
  return { x, y, width, height };
}

/** Where a rectangle lies after the picture was mirrored ("none", "horizontal" or "vertical"). */
export const mirrored = (rect, flip, bounds) => ({
  ...rect,
  x: flip === "horizontal" ? bounds.width - rect.x - rect.width : rect.x,
  y: flip === "vertical" ? bounds.height - rect.y - rect.height : rect.y,
});

/** The largest rectangle of a shape such as "16:9" in the middle of the picture, as the operation for stills takes it; null for another text. */
export function middle(text, bounds) {
  const [, across, down] = /^(\d{1,4})\s*[:/]\s*(\d{1,4})$/.exec(text ?? "")?.map(Number) ?? [];
  if (!across || !down) return null;
  const width = Math.max(1, Math.min(bounds.width, Math.round((bounds.height * across) / down)));
  const height = Math.max(1, Math.min(bounds.height, Math.round((bounds.width * down) / across)));
  return { x: Math.floor((bounds.width - width) / 2), y: Math.floor((bounds.height - height) / 2), width, height };
}

/** Width by height from "16:9"; 0 for none. */
export function ratioOf(text, bounds) {
  if (text === "source") return bounds.width / bounds.height;
  const [across, down] = text.split(":").map(Number);
  return across && down ? across / down : 0;
}
