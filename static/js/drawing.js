// What the timeline's canvases show. Colours come from the stylesheet by way of each canvas's own `color`.

function prepare(canvas) {
  const ratio = devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height, color: getComputedStyle(canvas).color };
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

function label(time, step) {
  const minutes = Math.floor(time / 60);
  const rest = (time % 60).toFixed(step < 1 ? 1 : 0).padStart(step < 1 ? 4 : 2, "0");
  return `${minutes}:${rest}`;
}

/** Ticks with times, as many as have room. */
export function drawRuler(canvas, duration) {
  const { context, width, height, color } = prepare(canvas);
  const step = STEPS.find((candidate) => (candidate / duration) * width >= 64) ?? STEPS.at(-1);
  context.fillStyle = context.strokeStyle = color;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  for (let i = 0; i * (step / 5) <= duration + 1e-9; i += 1) {
    const x = Math.round(((i * step) / 5 / duration) * width) + 0.5;
    const whole = i % 5 === 0;
    context.globalAlpha = whole ? 0.9 : 0.45;
    context.beginPath();
    context.moveTo(Math.min(x, width - 0.5), height);
    context.lineTo(Math.min(x, width - 0.5), height - (whole ? 6 : 3));
    context.stroke();
    const text = label((i / 5) * step, step);
    if (whole && x + context.measureText(text).width + 2 < width) context.fillText(text, i === 0 ? 0 : x + 3, 0);
  }
}

/** As many tiles of the sprite as fit, each the one nearest to its time. */
export function drawStrip(canvas, image, tiles) {
  const { context, width, height } = prepare(canvas);
  const source = image.naturalWidth / tiles;
  if (!source) return;
  const shown = Math.max(1, Math.round(width / ((source / image.naturalHeight) * height)));
  const each = width / shown;
  context.imageSmoothingQuality = "high";
  for (let i = 0; i < shown; i += 1) {
    const tile = Math.min(tiles - 1, Math.floor(((i + 0.5) / shown) * tiles));
    context.drawImage(image, tile * source, 0, source, image.naturalHeight, i * each, 0, each + 0.5, height);
  }
  context.fillStyle = "rgb(0 0 0 / .35)";
  for (let i = 1; i < shown; i += 1) context.fillRect(Math.round(i * each), 0, 1, height);
}

/** Peaks (0 to 1) as bars mirrored about the middle; a thin line where it is silent or not known yet. */
export function drawWave(canvas, peaks) {
  const { context, width, height, color } = prepare(canvas);
  context.fillStyle = color;
  const middle = height / 2;
  if (!peaks?.length) {
    context.globalAlpha = 0.4;
    context.fillRect(0, middle - 0.5, width, 1);
    return;
  }
  const bars = Math.max(1, Math.floor(width / 3));
  for (let i = 0; i < bars; i += 1) {
    const from = Math.floor((i / bars) * peaks.length);
    const to = Math.max(from + 1, Math.floor(((i + 1) / bars) * peaks.length));
    let peak = 0;
    for (let at = from; at < to; at += 1) peak = Math.max(peak, peaks[at]);
    const tall = Math.max(1, peak * (height - 6));
    context.fillRect((i / bars) * width, middle - tall / 2, 2, tall);
  }
}
