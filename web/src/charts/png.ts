/** A chart as a picture, with what it needs to be read alone. Enters: a canvas and its words. Leaves: a download. */

import { DASHES, colorOf, resolved } from "./theme";
import type { Series } from "./plot";

const PAD = 16;

/** The chart under its title and legend, with timezone and currency as in exports. */
export function painted(canvas: HTMLCanvasElement, title: string, note: string, series: readonly Series[]) {
  const ratio = window.devicePixelRatio || 1;
  const head = (series.length > 1 ? 68 : 48) * ratio;
  const target = document.createElement("canvas");
  target.width = canvas.width + 2 * PAD * ratio;
  target.height = canvas.height + head + PAD * ratio;
  const context = target.getContext("2d");
  if (!context) return null;
  context.fillStyle = resolved("var(--surface)");
  context.fillRect(0, 0, target.width, target.height);
  context.scale(ratio, ratio);
  words(context, title, note);
  if (series.length > 1) legend(context, series);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(canvas, PAD * ratio, head);
  return target;
}

export function download(canvas: HTMLCanvasElement, name: string) {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const address = URL.createObjectURL(blob);
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
    // The browser has taken the blob by the next task; kept, it would stay in memory as long as the page.
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }, "image/png");
}

function words(context: CanvasRenderingContext2D, title: string, note: string) {
  context.fillStyle = resolved("var(--text)");
  context.font = `600 14px ${resolved("var(--font)")}`;
  context.fillText(title, PAD, 22);
  context.fillStyle = resolved("var(--text-2)");
  context.font = `11px ${resolved("var(--font)")}`;
  context.fillText(note, PAD, 38);
}

function legend(context: CanvasRenderingContext2D, series: readonly Series[]) {
  let left = PAD;
  context.font = `12px ${resolved("var(--font)")}`;
  series.forEach((each, index) => {
    context.strokeStyle = resolved(colorOf(index, each.color));
    context.lineWidth = 2;
    context.setLineDash([...DASHES[index % DASHES.length]!]);
    context.beginPath();
    context.moveTo(left, 55);
    context.lineTo(left + 22, 55);
    context.stroke();
    context.fillStyle = resolved("var(--text)");
    context.fillText(each.label, left + 28, 59);
    left += 44 + context.measureText(each.label).width;
  });
}
