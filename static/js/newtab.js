// A background behind mock new tabs: the picture under the playhead, cropped as the outcome and then as Chrome crop it.
import { all, one } from "./dom.js";
import { say } from "./words.js";

const UNSEEN = 0.02; // a smaller part is not worth a word
const PAUSE = 150; // milliseconds between two drawings: under a dragged handle each frame shows another picture

/** Shows itself for outcomes that are shown on a new tab. Follows `cutroom:outcome`, `cutroom:quote` and `cutroom:cut` of the form. */
export class NewTab {
  #size = null; // what comes out: {width, height, fit}
  #chosen = null;
  #asked = 0;
  #drawn = -PAUSE;
  #sheet = document.createElement("canvas"); // to take a film's frame out of its player costs most: that is done once for all mocks

  constructor(form, { signal }) {
    this.box = one("[data-newtab]", form);
    if (!this.box) return;
    this.source = one("[data-player], [data-picture]", form);
    const on = (target, name, act) => target.addEventListener(name, act, { signal });
    on(form, "cutroom:outcome", ({ detail }) => this.#choose(detail));
    on(form, "cutroom:quote", ({ detail }) => this.#quoted(detail));
    on(form, "cutroom:cut", ({ detail: { cut } }) => { if (cut.crop !== this.crop) { this.crop = cut.crop; this.#soon(); } });
    for (const name of ["seeked", "timeupdate", "loadeddata", "load"]) on(this.source, name, () => this.#soon());
    signal.addEventListener("abort", () => clearTimeout(this.#asked));
  }

  #choose(chosen) {
    this.#chosen = chosen;
    this.box.hidden = chosen?.shown_in !== "newtab";
    this.#soon();
  }

  #quoted({ body, quote }) {
    const { params } = quote;
    this.#size = { width: quote.width ?? params.width, height: quote.height ?? params.height, fit: params.fit ?? body.params.fit ?? this.#chosen?.params.fit };
    this.#soon();
  }

  #soon() {
    if (this.box.hidden) return;
    this.#asked ||= setTimeout(() => { this.#asked = 0; this.#drawn = performance.now(); this.#draw(); }, Math.max(0, this.#drawn + PAUSE - performance.now()));
  }

  #draw() {
    const picture = this.#framed();
    if (!picture) return;
    const mocks = all(".newtab-mock", this.box).map((mock) => {
      const canvas = one("canvas", mock);
      return { canvas, shown: cover(picture, canvas.width / canvas.height), lost: one("[data-lost]", mock) };
    });
    const scale = Math.max(...mocks.map(({ canvas, shown }) => canvas.width / shown.width));
    const sheet = this.#sheet;
    Object.assign(sheet, { width: Math.ceil(picture.width * scale), height: Math.ceil(picture.height * scale) });
    sheet.getContext("2d").drawImage(this.source, picture.x, picture.y, picture.width, picture.height, 0, 0, sheet.width, sheet.height);
    const [across, down] = [sheet.width / picture.width, sheet.height / picture.height];
    for (const { canvas, shown, lost } of mocks) {
      const [x, y] = [(shown.x - picture.x) * across, (shown.y - picture.y) * down];
      canvas.getContext("2d").drawImage(sheet, x, y, shown.width * across, shown.height * down, 0, 0, canvas.width, canvas.height);
      const part = 1 - (shown.width * shown.height) / (picture.width * picture.height);
      const words = part < UNSEEN ? say("· shown whole") : say("· %(part)s cut off", { part: `${Math.round(part * 100)} %` });
      if (lost.textContent !== words) lost.textContent = words;
    }
  }

  // The part of the source that comes out; null while there is nothing to be seen.
  #framed() {
    const width = this.source.videoWidth || this.source.naturalWidth;
    const height = this.source.videoHeight || this.source.naturalHeight;
    if (!width || (this.source.readyState ?? 4) < 2) return null;
    const clip = this.crop ?? { x: 0, y: 0, width, height };
    const size = this.#size ?? this.#chosen?.params;
    return size?.width && size?.height && (size.fit ?? "cover") === "cover" ? cover(clip, size.width / size.height) : clip;
  }
}

/** The largest centred part of a rectangle with these proportions. */
function cover({ x, y, width, height }, ratio) {
  const [w, h] = width / height > ratio ? [height * ratio, height] : [width, width / ratio];
  return { x: x + (width - w) / 2, y: y + (height - h) / 2, width: w, height: h };
}
