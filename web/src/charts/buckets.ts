/** Buckets of time. Enters: their starts and grain. Leaves: ends, whole ranges, the rows of the data table. */

import { drawn, type Amount } from "../format/decimal";

const SECONDS: Record<string, number> = { minute: 60, hour: 3600, day: 86_400 };

/** A bucket's end, RFC 3339; half-open. */
export function endOf(start: string, grain: string): string {
  const moment = new Date(start);
  if (grain === "month") moment.setUTCMonth(moment.getUTCMonth() + 1);
  else moment.setTime(moment.getTime() + (SECONDS[grain] ?? 0) * 1000);
  return rfc(moment);
}

/** The half-open range of whole buckets between two positions in seconds, whichever came first; null within none. */
export function ranged(
  times: readonly string[],
  grain: string,
  one: number,
  other: number,
): { from: string; to: string } | null {
  const [low, high] = [Math.min(one, other) * 1000, Math.max(one, other) * 1000];
  const within = times.filter((start) => Date.parse(start) <= high && Date.parse(endOf(start, grain)) > low);
  const first = within[0];
  const last = within.at(-1);
  return first && last ? { from: rfc(new Date(first)), to: endOf(last, grain) } : null;
}

/** Which rows the data table shows: all, or every n-th where they are too many to read. */
export function sampled(length: number, most = 300): { step: number; indexes: number[] } {
  const step = Math.max(1, Math.ceil(length / most));
  const indexes = Array.from({ length: Math.ceil(length / step) }, (_, index) => index * step);
  return { step, indexes };
}

/** Which buckets of a series are not whole: those before `dashedTo`, and those from `dashedFrom` on. */
export interface Open {
  dashedFrom?: number | null | undefined;
  dashedTo?: number | null | undefined;
}

export function isOpen({ dashedFrom, dashedTo }: Open, index: number): boolean {
  return index >= (dashedFrom ?? Infinity) || index < (dashedTo ?? 0);
}

/** Values as uPlot takes them: the whole part, and the parts that are not whole, joined to it. */
export function split(
  values: readonly Amount[],
  open: Open,
): { solid: (number | null)[]; dashed: (number | null)[] | null } {
  const all = values.map(drawn);
  if (!all.some((_, index) => isOpen(open, index))) return { solid: all, dashed: null };
  const near = (index: number) =>
    [index - 1, index, index + 1].some((each) => all.length > each && each >= 0 && isOpen(open, each));
  return {
    solid: all.map((value, index) => (isOpen(open, index) ? null : value)),
    dashed: all.map((value, index) => (near(index) ? value : null)),
  };
}

/** Whether a value stands alone between unknown ones, where a line would not show it. */
export function lonely(values: readonly (number | null | undefined)[]): number[] {
  const known = (index: number) => values[index] !== null && values[index] !== undefined;
  return values.flatMap((_, index) => (known(index) && !known(index - 1) && !known(index + 1) ? [index] : []));
}

function rfc(moment: Date): string {
  return moment.toISOString().replace(".000Z", "Z");
}
