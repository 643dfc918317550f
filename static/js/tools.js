// Crop, turn, mirror, speed and direction: buttons and numbers beside the preview.
import { PLAIN, takesPicture, takesStill } from "./cut.js";
import { middle, ratioOf, shaped, whole } from "./croprect.js";
import { all, one } from "./dom.js";
import { Frame } from "./frame.js";
import { say } from "./words.js";

const SLOWEST = 0.25;
const FASTEST = 4;

/** Shows a cut's edits and makes them. Event `frame` when another picture is shown (cropping began or ended). */
export class Tools extends EventTarget {
  constructor(form, cut, { signal }) {
    super();
    Object.assign(this, { cut, root: one("[data-tools]", form), card: null });
    this.fields = one("[data-crop-fields]", this.root);
    this.speed = one("[data-speed]", this.root);
    this.bounds = { width: cut.width, height: cut.height };
    const on = (node, name, handler) => node?.addEventListener(name, handler, { signal });
    const stage = one("[data-stage-box]", form);
    if (one("[data-view]", stage)) this.frame = new Frame(stage, { ...this.bounds, signal });
    for (const button of all("[data-tool]", this.root)) on(button, "click", () => this.press(button.dataset.tool));
    on(this.speed, "change", () => this.#readSpeed());
    on(one("[data-ratio]", this.root), "change", () => this.#shape());
    for (const input of all("[data-crop-field]", this.root)) on(input, "change", () => this.#readCrop(input));
    this.frame?.addEventListener("crop", ({ detail }) => this.#crop(detail.rect, detail.settled));
    this.frame?.addEventListener("done", () => this.press("cropped"));
  }

  /** What a button or key of that name does. */
  press(tool) {
    const { cut } = this;
    if (this.#button(tool)?.disabled ?? true) return; // a sound has fewer tools
    const flips = { mirror: ["horizontal", "vertical"], flip: ["vertical", "horizontal"] }[tool];
    if (tool === "crop") this.#cropping(!this.frame.cropping);
    else if (tool === "cropped") this.#cropping(false);
    else if (tool === "whole") this.#crop({ x: 0, y: 0, ...this.bounds });
    else if (tool === "turn") cut.edit({ rotate: (cut.rotate + 90) % 360 });
    else if (tool === "reverse") cut.edit({ reverse: !cut.reverse });
    else if (tool === "plain") cut.edit({ ...PLAIN });
    else if (flips) cut.edit({ flip: { none: flips[0], [flips[0]]: "none", [flips[1]]: "both", both: flips[1] }[cut.flip] });
  }

  /** Another card was chosen: what its operation can't do rests. */
  use(card) {
    this.card = card;
    const still = takesStill(card.params);
    const picture = still || takesPicture(card.params);
    for (const name of ["crop", "turn", "mirror", "flip"]) if (this.#button(name)) this.#button(name).disabled = !picture;
    if (this.#button("reverse")) this.#button("reverse").disabled = still || !picture;
    this.own = still ? middle(card.params.crop, this.bounds) : null; // a shape that the card crops to by itself
    if (this.speed) this.speed.disabled = typeof card.params.speed !== "number";
    if (!picture && this.frame?.cropping) this.#cropping(false);
    this.show();
  }

  /** Show what the cut says now. */
  show() {
    const { cut, card } = this;
    const picture = Boolean(card) && (takesPicture(card.params) || takesStill(card.params));
    const { rotate, flip } = cut;
    this.frame?.show(picture ? { crop: this.#rect, rotate, flip } : PLAIN);
    const press = (name, pressed) => this.#button(name)?.setAttribute("aria-pressed", String(pressed));
    press("crop", Boolean(this.frame?.cropping));
    press("mirror", cut.flip === "horizontal" || cut.flip === "both");
    press("flip", cut.flip === "vertical" || cut.flip === "both");
    press("reverse", cut.reverse);
    if (this.speed && Number(this.speed.value) !== cut.speed) this.speed.value = String(cut.speed);
    this.#button("plain").hidden = cut.plain;
    one("[data-tools-state]", this.root).textContent = this.#state(picture);
    this.#error("");
    if (!this.fields) return;
    this.fields.hidden = !this.frame?.cropping;
    const rect = this.#rect ?? { x: 0, y: 0, ...this.bounds };
    for (const input of all("[data-crop-field]", this.fields)) {
      const text = String(rect[input.dataset.cropField]);
      if (input.value !== text) input.value = text;
    }
  }

  /** Put a sentence beside the tools; false when the name is none of theirs. */
  say(name, sentence) {
    if (!(name in PLAIN)) return false;
    this.#error(sentence);
    return true;
  }

  #state(picture) {
    const { cut } = this;
    if (!picture && (cut.crop || cut.rotate || cut.flip !== "none" || cut.reverse)) return say("This outcome leaves the picture as it is.");
    return [
      cut.crop && `${cut.crop.width} × ${cut.crop.height}`,
      cut.rotate && `${cut.rotate}°`,
      cut.reverse && say("It is made backwards; here it plays forwards."),
    ].filter(Boolean).join(" · ");
  }

  #button(tool) {
    return one(`[data-tool="${tool}"]`, this.root);
  }

  #error(sentence) {
    const box = one("[data-tools-error]", this.root);
    box.textContent = sentence;
    box.hidden = !sentence;
    this.speed?.toggleAttribute("aria-invalid", false);
  }

  #cropping(on) {
    this.frame.cropping = on;
    this.show();
    this.dispatchEvent(new CustomEvent("frame"));
    if (on) this.frame.crop.focus({ preventScroll: true });
    else this.#button("crop").focus({ preventScroll: true });
  }

  /** What is kept of the picture: as a person wants it, or else as the card does; null for all of it. */
  get #rect() {
    return this.cut.crop ?? this.own ?? null;
  }

  // All of the picture is no crop, unless the card would crop it.
  #crop(rect, settled = true) {
    const everything = rect.width === this.bounds.width && rect.height === this.bounds.height;
    this.cut.edit({ crop: everything && !this.own ? null : rect }, { settled });
  }

  #shape() {
    this.frame.ratio = ratioOf(one("[data-ratio]", this.root).value, this.bounds);
    this.#crop(shaped(this.#rect ?? { x: 0, y: 0, ...this.bounds }, this.frame.ratio, this.bounds));
  }

  #readCrop(input) {
    const name = input.dataset.cropField;
    const value = Math.round(Number(input.value));
    const rect = { ...(this.#rect ?? { x: 0, y: 0, ...this.bounds }) };
    const side = { x: "width", y: "height" }[name] ?? name;
    if (input.value === "" || !Number.isFinite(value) || value < 0 || (side === name && value < 1)) return this.#error(say("Write whole pixels inside of the picture, which has %(width)s × %(height)s.", this.bounds));
    rect[name] = Math.min(value, this.bounds[side]);
    const { ratio } = this.frame;
    if (ratio && name === "width") rect.height = Math.min(this.bounds.height, rect.width / ratio);
    if (ratio && name === "height") rect.width = Math.min(this.bounds.width, rect.height * ratio);
    return this.#crop(whole(rect, this.bounds));
  }

  #readSpeed() {
    const speed = Number(this.speed.value.replace(",", "."));
    if (speed >= SLOWEST && speed <= FASTEST) return this.cut.edit({ speed: Math.round(speed * 100) / 100 });
    this.#error(say("Choose a speed from %(slowest)s to %(fastest)s.", { slowest: SLOWEST, fastest: FASTEST }));
    return this.speed.setAttribute("aria-invalid", "true");
  }
}
