// A background behind mock new tabs: the picture under the playhead, cropped as the outcome and then as Chrome crop it.
import { all, one } from "./dom.js";
import { say } from "./words.js";

const UNSEEN = 0.02; // a smaller part is not worth a word

/** Shows itself for outcomes that are shown on a new tab. Follows `cutroom:outcome`, `cutroom:quote` and `cutroom:cut` of the form. */
export class NewTab {
  #size = null; // what comes out: {width, height, fit}
  #chosen = null;
  #asked = 0;

  constructor(form, { signal }) {
    this.box = one("[data-newtab]", form);
    if (!this.box) return;
    this.source = one("[data-player], [data-picture]", form);
    const on = (target, name, act) => target.addEventListener(name, act, { signal });
    on(form, "cutroom:outcome", ({ detail }) => this.#choose(detail));
    on(form, "cutroom:quote", ({ detail }) => this.#quoted(detail));
    on(form, "cutroom:cut", ({ detail }) => { this.crop = detail.cut.crop; this.#soon(); });
    for (const name of ["seeked", "timeupdate", "loadeddata", "load"]) on(this.source, name, () => this.#soon());
    signal.addEventListener("abort", () => cancelAnimationFrame(this.#asked));
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
    if (!this.box.hidden) this.#asked ||= requestAnimationFrame(() => { this.#asked = 0; this.#draw(); });
  }

  #draw() {
    const picture = this.#framed();
    for (const mock of all(".newtab-mock", this.box)) {
      const canvas = one("canvas", mock);
      if (!picture) continue;
      const shown = cover(picture, canvas.width / canvas.height);
      canvas.getContext("2d").drawImage(this.source, shown.x, shown.y, shown.width, shown.height, 0, 0, canvas.width, canvas.height);
      const lost = 1 - (shown.width * shown.height) / (picture.width * picture.height);
      one("[data-lost]", mock).textContent = lost < UNSEEN ? say("· shown whole") : say("· %(part)s cut off", { part: `${Math.round(lost * 100)} %` });
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
