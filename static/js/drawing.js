// What the timeline's canvases show. Colours come from the stylesheet by way of each canvas's own `color`.

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/** Sizes and colours of the canvases, measured once for many drawings: `surface(canvas)` is `{canvas, width, height, ratio, color}`. */
export function surface(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const style = getComputedStyle(canvas);
  return { canvas, width, height, ratio: devicePixelRatio || 1, color: style.color, accent: style.accentColor };
}

function begin({ canvas, width, height, ratio }) {
  const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.globalAlpha = 1;
  context.clearRect(0, 0, width, height);
  return context;
}

function label(time, step) {
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const whole = Math.round(time * 100) / 100;
  const rest = (whole % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${Math.floor(whole / 60)}:${rest}`;
}

/** Ticks with times, as many as have room. */
export function drawRuler(on, view) {
  const context = begin(on);
  const { width, height } = on;
  const step = STEPS.find((candidate) => (candidate / view.span) * width >= 64) ?? STEPS.at(-1);
  context.fillStyle = context.strokeStyle = on.color;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  const first = Math.floor((view.from / step) * 5);
  const last = Math.ceil((view.to / step) * 5);
  for (let i = first; i <= last; i += 1) {
    const x = Math.round(view.x((i * step) / 5)) + 0.5;
    if (x < 0 || x > width + 1) continue;
    const whole = i % 5 === 0;
    context.globalAlpha = whole ? 0.9 : 0.45;
    context.beginPath();
    context.moveTo(Math.min(x, width - 0.5), height);
    context.lineTo(Math.min(x, width - 0.5), height - (whole ? 6 : 3));
    context.stroke();
    const text = label((i / 5) * step, step);
    if (whole && x + context.measureText(text).width + 2 < width) context.fillText(text, x < 1 ? 0 : x + 3, 0);
  }
}

/** As many pictures as fit, on a grid of time so that they stay where they are while the view moves. `pictureAt(time)` is {image, x, width, height} or null. */
export function drawStrip(on, view, shape, pictureAt) {
  const context = begin(on);
  const { width, height } = on;
  const shown = Math.max(1, Math.round(width / (shape * height)));
  const each = view.span / shown;
  context.imageSmoothingQuality = "high";
  for (let k = Math.floor(view.from / each + 1e-6); k * each < view.to - 1e-6; k += 1) {
    const picture = pictureAt(Math.min((k + 0.5) * each, view.duration));
    const x = view.x(k * each);
    if (picture) context.drawImage(picture.image, picture.x, 0, picture.width, picture.height, x, 0, width / shown + 0.5, height);
    context.fillStyle = "rgb(0 0 0 / .35)";
    if (x > 0.5) context.fillRect(Math.round(x), 0, 1, height);
  }
}

/** Peaks (0 to 1) as bars mirrored about the middle; a thin line where it is silent or not known yet. */
export function drawWave(on, view, peaks) {
  const context = begin(on);
  const { width, height } = on;
  context.fillStyle = on.color;
  const middle = height / 2;
  if (!peaks?.length) {
    context.globalAlpha = 0.4;
    context.fillRect(0, middle - 0.5, width, 1);
    return;
  }
  const bars = Math.max(1, Math.floor(width / 3));
  const at = (x) => (view.time(x) / view.duration) * peaks.length;
  for (let i = 0; i < bars; i += 1) {
    const from = Math.max(0, Math.floor(at((i / bars) * width)));
    const to = Math.min(peaks.length, Math.max(from + 1, Math.floor(at(((i + 1) / bars) * width))));
    let peak = 0;
    for (let k = from; k < to; k += 1) peak = Math.max(peak, peaks[k]);
    const tall = Math.max(1, peak * (height - 6));
    context.fillRect((i / bars) * width, middle - tall / 2, 2, tall);
  }
}

/** Silences as bands at the foot, keyframes as ticks, scenes as wedges from above. */
export function drawMarks(on, view, marks) {
  const context = begin(on);
  const { width, height } = on;
  context.fillStyle = on.color;
  context.globalAlpha = 0.28;
  for (const [from, to] of marks.silences ?? []) {
    if (to >= view.from && from <= view.to) context.fillRect(view.x(from), height - 44, Math.max(1, view.x(to) - view.x(from)), 44);
  }
  context.globalAlpha = 1;
  let last = -Infinity;
  for (const time of marks.keyframes ?? []) {
    const x = view.x(time);
    if (x < -1 || x > width + 1 || x - last < 4) continue;
    last = x;
    context.fillStyle = "rgb(0 0 0 / .6)";
    context.fillRect(x - 1.5, 58, 3, 10);
    context.fillStyle = "#fff";
    context.fillRect(x - 0.5, 59, 1, 9);
  }
  for (const time of marks.scenes ?? []) {
    const x = view.x(time);
    if (x < -6 || x > width + 6) continue;
    context.fillStyle = on.accent === "auto" ? on.color : on.accent;
    context.strokeStyle = "rgb(0 0 0 / .7)";
    context.beginPath();
    context.moveTo(x - 5, 0);
    context.lineTo(x + 5, 0);
    context.lineTo(x, 8);
    context.closePath();
    context.fill();
    context.stroke();
  }
}
