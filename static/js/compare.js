// A result laid over its source: one picture holds both halves, a slider moves the line between them.
import { api } from "./api.js";
import { announce, el, one } from "./dom.js";
import { clock } from "./format.js";
import { say } from "./words.js";

const WORDS = {
  "the same to the eye": () => say("The same to the eye"),
  "very close": () => say("Very close to the source"),
  "close; a careful eye sees it": () => say("Close to the source; a careful eye sees a difference"),
  "visibly simpler": () => say("Visibly simpler than the source"),
  rough: () => say("Rough beside the source"),
};

/** Fill `<details data-compare>` inside `root` when it is first opened. */
export function compareWithSource(root) {
  // The event of a <details> does not bubble.
  root.addEventListener("toggle", (event) => event.target.matches("[data-compare]") && event.target.open && open(event.target), true);
}

async function open(box) {
  if (box.dataset.state) return;
  box.dataset.state = "asked";
  const note = one("[data-compare-note]", box);
  try {
    const path = box.dataset.compare.replace(/^\/api\/v1\//, "");
    const found = await api(path);
    one("[data-compare-slot]", box).replaceChildren(...drawn(box.dataset.compare, found));
    announce(words(found));
  } catch (error) {
    delete box.dataset.state;
    note.textContent = error.detail ?? say("The two could not be compared; try again in a moment.");
  }
}

const words = (found) => `${(WORDS[found.words] ?? (() => found.words))()} (SSIM ${found.ssim.toFixed(3)})`;

function drawn(address, found) {
  const frame = el("div", "compare-frame");
  frame.style.aspectRatio = `${found.width} / ${found.height}`;
  const halves = ["before", "after"].map((side) => {
    const half = el("img", `compare-half ${side}`);
    half.alt = side === "before" ? say("The source") : say("The result");
    return half;
  });
  const line = el("span", "compare-line");
  line.setAttribute("aria-hidden", "true");
  const labels = [el("span", "compare-label before", say("Source")), el("span", "compare-label after", say("Result"))];
  for (const label of labels) label.setAttribute("aria-hidden", "true");
  const slider = el("input", "compare-slider");
  Object.assign(slider, { type: "range", min: 0, max: 100, value: 50 });
  slider.setAttribute("aria-label", say("How much of the source is shown"));
  slider.addEventListener("input", () => frame.style.setProperty("--at", `${slider.value}%`));
  frame.append(...halves, line, ...labels, slider);
  const show = (number) => halves.forEach((half) => (half.src = address.replace(/\.json$/, `/${number}.jpg`)));
  show(0);
  const parts = [el("p", "compare-words", words(found)), frame];
  return found.moments.length > 1 ? [...parts, moments(found.moments, show)] : parts;
}

function moments(times, show) {
  const row = el("div", "cluster compare-moments");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", say("Moment"));
  const buttons = times.map((time, number) => {
    const button = el("button", "button small", clock(time, 1));
    button.type = "button";
    button.setAttribute("aria-pressed", String(number === 0));
    button.addEventListener("click", () => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      show(number);
    });
    return button;
  });
  row.append(...buttons);
  return row;
}
