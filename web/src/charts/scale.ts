/** Linear scales, round ticks and their short labels. Enters: numbers. Leaves: positions and text. */

import { LOCALE } from "../format/numbers";

export interface Domain {
  readonly min: number;
  readonly max: number;
}

/** The least and greatest of what is known; null where nothing is. */
export function extent(values: Iterable<number | null | undefined>): Domain | null {
  let min = Infinity;
  let max = -Infinity;
  for (const each of values) {
    if (each === null || each === undefined || !Number.isFinite(each)) continue;
    if (each < min) min = each;
    if (each > max) max = each;
  }
  return min <= max ? { min, max } : null;
}

/** A domain that ends at round ticks, with room above one flat value. */
export function nice(domain: Domain | null, ticks = 5, zero = false): Domain {
  let { min, max } = domain ?? { min: 0, max: 1 };
  if (zero) [min, max] = [Math.min(0, min), Math.max(0, max)];
  if (min === max) {
    const room = Math.abs(min) * 0.1 || 1;
    [min, max] = zero && min === 0 ? [0, room] : [min - room, max + room];
  }
  const step = stepOf(max - min, ticks);
  return { min: Math.floor(min / step + 1e-9) * step, max: Math.ceil(max / step - 1e-9) * step };
}

/** 1, 2 or 5 times a power of ten, so that about `ticks` of them span `range`. */
export function stepOf(range: number, ticks: number): number {
  if (!(range > 0)) return 1;
  const raw = range / Math.max(1, ticks);
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  const round = lead >= 7.5 ? 10 : lead >= 3.5 ? 5 : lead >= 1.5 ? 2 : 1;
  return round * power;
}

/** Round values inside a domain, ends included. */
export function ticksOf(domain: Domain, ticks = 5): number[] {
  const step = stepOf(domain.max - domain.min, ticks);
  const first = Math.ceil(domain.min / step - 1e-9);
  const last = Math.floor(domain.max / step + 1e-9);
  // Multiplied and not added up: 0.1 + 0.2 would be labelled 0.30000000000000004.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const tick = (first + index) * step;
    return Number(tick.toPrecision(12)) || 0;
  });
}

/** Maps a domain onto [from, to]. */
export function linear(domain: Domain, from: number, to: number): (value: number) => number {
  const range = domain.max - domain.min;
  return (value) => (range === 0 ? from : from + ((value - domain.min) / range) * (to - from));
}

/** A short label of a tick; `step` says how many decimals neighbours need to differ. */
export function tickLabel(value: number, unit: string, step: number, currency?: string | null): string {
  if (unit === "ratio") return `${plain(value * 100, step * 100)} %`;
  if (unit === "ms") return step >= 1000 ? `${plain(value / 1000, step / 1000)} s` : `${plain(value, step)} ms`;
  if (unit === "By") return scaled(value, step, "B");
  const text = compact(value, step);
  return unit === "money" ? withSymbol(text, currency) : text;
}

function scaled(value: number, step: number, unit: string): string {
  const names = ["", "k", "M", "G", "T", "P"];
  const size = Math.max(Math.abs(value), step);
  const power = Math.min(names.length - 1, Math.max(0, Math.floor(Math.log10(size || 1) / 3)));
  return `${plain(value / 1000 ** power, step / 1000 ** power)} ${names[power]}${unit}`;
}

function compact(value: number, step: number): string {
  const letters = ["", "K", "M", "B", "T"];
  const size = Math.abs(value);
  const power = size >= 10_000 ? Math.min(4, Math.floor(Math.log10(size) / 3)) : 0;
  return plain(value / 1000 ** power, step / 1000 ** power) + letters[power];
}

function plain(value: number, step: number): string {
  const places = step >= 1 ? 0 : Math.min(12, Math.ceil(-Math.log10(step) - 1e-9));
  // Halves of a step are no ticks, but a step of 2.5 scaled by a thousand is a fraction.
  const needed = Number.isInteger(Number(step.toPrecision(6))) || step < 1 ? places : 1;
  const shown = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: needed, minimumFractionDigits: places });
  return shown.format(value === 0 ? 0 : value);
}

const symbols = new Map<string, string>();

function withSymbol(text: string, currency?: string | null): string {
  if (!currency) return text;
  return text.startsWith("-") ? `-${symbol(currency)}${text.slice(1)}` : `${symbol(currency)}${text}`;
}

/** What a currency is written with: $, €, CA$. */
export function symbol(currency: string): string {
  const known = symbols.get(currency);
  if (known !== undefined) return known;
  let found = "";
  try {
    const format = new Intl.NumberFormat(LOCALE, { style: "currency", currency });
    found = format.formatToParts(0).find((part) => part.type === "currency")?.value ?? "";
  } catch {
    // A contract's currency need not be one that Intl knows: then there is no symbol.
  }
  symbols.set(currency, found);
  return found;
}
