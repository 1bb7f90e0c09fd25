/** How values look to a person; the CLI shows the same (faces/cli/render.py). Only here are figures rounded. */

import { decimal, magnitude, magnified, sign, text, times, type Amount, type Decimal } from "./decimal";

/** What an unknown value looks like; give it the title "unknown". */
export const UNKNOWN = "—";
export const LOCALE = "en-US";

export type MeasureUnit = "money" | "ratio" | "count" | "ms" | "quantity";

export interface MoneyOptions {
  /** Amount for so many units: 1, 1000, 1000000. */
  per?: number;
  /** $1.2M, for axes and tiles. */
  compact?: boolean;
}

const HUNDRED: Decimal = { digits: 100n, scale: 0 };
const formats = new Map<string, Intl.NumberFormat>();

/** Two decimals from 1 upward; below 1, as many as show two significant digits. */
export function money(amount: Amount, currency: string | null | undefined, options: MoneyOptions = {}): string {
  const exact = decimal(amount);
  if (exact === null) return UNKNOWN;
  const scaled = options.per && options.per !== 1 ? times(exact, decimal(options.per)!) : exact;
  const style = currency ? ({ style: "currency", currency } as const) : {};
  if (options.compact && magnitude(scaled) >= 3) return compact(scaled, style);
  return fixed(scaled, decimals(scaled), style);
}

/** An amount with so many decimals, for columns that have to add up. */
export function exactly(amount: Amount, places: number, currency?: string | null): string {
  const exact = decimal(amount);
  if (exact === null) return UNKNOWN;
  return fixed(exact, places, currency ? { style: "currency", currency } : {});
}

/** How many decimals show every amount whole: at least two, at most `most`. */
export function placesOf(amounts: readonly Amount[], most: number): number {
  const needed = amounts.map((amount) => {
    const exact = decimal(amount);
    return exact === null ? 0 : (text(exact).split(".")[1] ?? "").replace(/0+$/, "").length;
  });
  return Math.min(Math.max(2, ...needed), most);
}

/** A whole number, thousands apart. */
export function count(value: Amount): string {
  const exact = decimal(value);
  return exact === null ? UNKNOWN : fixed(exact, 0);
}

/** A ratio in per cent. */
export function ratio(value: Amount): string {
  const exact = decimal(value);
  if (exact === null) return UNKNOWN;
  const hundredfold = times(exact, HUNDRED);
  return `${fixed(hundredfold, decimals(hundredfold))} %`;
}

/** Milliseconds, or seconds from ten of them upward. */
export function ms(value: Amount): string {
  const exact = decimal(value);
  if (exact === null) return UNKNOWN;
  if (sign(exact) > 0 && magnitude(exact) >= 4) {
    return `${fixed({ digits: exact.digits, scale: exact.scale + 3 }, 2)} s`;
  }
  return `${fixed(exact, 1)} ms`;
}

/** At most three decimals, more only below 1, no trailing zeros; bytes in powers of 1,000; `unit` in UCUM. */
export function quantity(value: Amount, unit?: string | null): string {
  const exact = decimal(value);
  if (exact === null) return UNKNOWN;
  if (unit === "By") return bytes(exact);
  const places = magnitude(exact) >= 0 ? 3 : Math.max(3, decimals(exact));
  return `${fixed(exact, places, { minimumFractionDigits: 0 })}${suffix(unit, exact)}`;
}

/** A measure's value by the measure's unit. */
export function value(amount: Amount, unit: MeasureUnit | string, currency?: string | null): string {
  switch (unit) {
    case "money":
      return money(amount, currency);
    case "ratio":
      return ratio(amount);
    case "count":
      return count(amount);
    case "ms":
      return ms(amount);
    default:
      return quantity(amount, unit === "quantity" ? null : unit);
  }
}

/** Rounded half to even at so many decimals, thousands apart; minus nothing is nothing. */
export function fixed(exact: Decimal, places: number, style: Intl.NumberFormatOptions = {}): string {
  return formatted(exact, {
    minimumFractionDigits: places,
    ...style,
    maximumFractionDigits: places,
  });
}

function compact(exact: Decimal, style: Intl.NumberFormatOptions): string {
  return formatted(exact, {
    ...style,
    notation: "compact",
    minimumFractionDigits: 0,
    maximumFractionDigits: 1,
  });
}

function formatted(exact: Decimal, options: Intl.NumberFormatOptions): string {
  const all: Intl.NumberFormatOptions = {
    roundingMode: "halfEven",
    signDisplay: "negative",
    ...options,
  };
  const key = JSON.stringify(all);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = numberFormat(all)));
  return format.format(text(exact)).replaceAll("\u00a0", " ");
}

/** A currency that is no code of ISO 4217's shape (a contract may name "credits") is shown as a plain number. */
function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  try {
    return new Intl.NumberFormat(LOCALE, options);
  } catch {
    const { currency: _, style: __, ...plain } = options;
    return new Intl.NumberFormat(LOCALE, plain);
  }
}

/** Two from 1 upward; below, enough for two significant digits, up to 15. */
function decimals(exact: Decimal): number {
  if (sign(exact) === 0 || magnitude(exact) >= 0) return 2;
  return Math.min(Math.max(2, 1 - magnitude(exact)), 15);
}

const BYTES = ["B", "kB", "MB", "GB", "TB", "PB", "EB"] as const;

function bytes(exact: Decimal): string {
  const step = Math.min(Math.max(0, Math.floor(magnitude(exact) / 3)), BYTES.length - 1);
  const scaled = { digits: exact.digits, scale: exact.scale + 3 * step };
  return `${fixed(scaled, step ? 2 : 0, { minimumFractionDigits: 0 })} ${BYTES[step]}`;
}

function suffix(unit: string | null | undefined, exact: Decimal): string {
  if (!unit || unit === "1") return "";
  const annotation = /^\{(.+)\}$/.exec(unit);
  if (!annotation) return ` ${unit}`;
  const one = text(magnified(exact)) === "1";
  return ` ${annotation[1]}${one || annotation[1]!.endsWith("s") ? "" : "s"}`;
}
