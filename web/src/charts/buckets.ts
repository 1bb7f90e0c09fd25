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

/** Values as uPlot takes them: the whole part, and the part from `dashedFrom` joined to it. */
export function split(
  values: readonly Amount[],
  dashedFrom: number | null | undefined,
): { solid: (number | null)[]; dashed: (number | null)[] | null } {
  const all = values.map(drawn);
  if (dashedFrom === null || dashedFrom === undefined || dashedFrom >= all.length) return { solid: all, dashed: null };
  return {
    solid: all.map((value, index) => (index < dashedFrom ? value : null)),
    dashed: all.map((value, index) => (index >= dashedFrom - 1 ? value : null)),
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
