/** How a change looks: in points for a ratio, relative against a positive base, otherwise absolute. */

import { decimal, divided, magnified, minus, sign, text, times, type Amount, type Decimal } from "./decimal";
import { UNKNOWN, fixed, value } from "./numbers";

export type Good = "up" | "down" | "none";
export type Tone = "good" | "bad" | "flat";

export interface Delta {
  text: string;
  tone: Tone;
  direction: "up" | "down" | "flat";
}

export interface Change {
  now: Amount;
  before: Amount;
  unit: string;
  good: Good | string;
  currency?: string | null;
}

const HUNDRED: Decimal = { digits: 100n, scale: 0 };

export function delta({ now, before, unit, good, currency }: Change): Delta {
  const after = decimal(now);
  const base = decimal(before);
  if (after === null || base === null) return { text: UNKNOWN, tone: "flat", direction: "flat" };
  const difference = minus(after, base);
  const way = sign(difference);
  return {
    text: changed(difference, base, unit, currency),
    tone: verdict(good, way),
    direction: way === 0 ? "flat" : way > 0 ? "up" : "down",
  };
}

/** Whether a change is good or bad, by the measure's direction of good. */
export function verdict(good: Good | string, way: number): Tone {
  if (way === 0 || (good !== "up" && good !== "down")) return "flat";
  return way > 0 === (good === "up") ? "good" : "bad";
}

function changed(difference: Decimal, base: Decimal, unit: string, currency?: string | null): string {
  if (unit === "ratio") return `${signed(times(difference, HUNDRED), 2)} pt`;
  // Against a base below zero a percentage turns its sign: −100 to −50 would read as −50 %.
  const relative = sign(base) > 0 ? divided(difference, base) : null;
  if (relative) return `${signed(times(relative, HUNDRED), 1)} %`;
  return `${sign(difference) < 0 ? "-" : "+"}${value(text(magnified(difference)), unit, currency)}`;
}

function signed(exact: Decimal, places: number): string {
  return `${sign(exact) < 0 ? "-" : "+"}${fixed(magnified(exact), places)}`;
}
