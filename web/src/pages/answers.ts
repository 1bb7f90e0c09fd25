/** Answers of POST /queries as charts and tiles take them. Enters: rows by column. Leaves: buckets, series, cells. */

import type { Figures, Result } from "../api/types";
import type { Series } from "../charts";
import { decimal, divided, text, type Amount } from "../format";

export type Cell = string | number | boolean | null;

export interface MeasureOf {
  name: string;
  title: string;
  unit: string;
  good: string;
}

/** What the pages read of an answer; the API's own type has more. */
export interface Answer {
  currency: string;
  grain: string;
  by: string[];
  measures: MeasureOf[];
  rows: Record<string, unknown>[];
  notes: string[];
  window: { start: string | null; end: string | null };
  compared_with?: { start: string | null; end: string | null } | null;
  next?: string | null;
  points_left_out?: number;
}

/** One of several answers; null where it is not there, or was refused. */
export function figuresAt(results: readonly Result[] | undefined, at: number): Figures | null {
  const result = results?.[at];
  return result && "rows" in result ? result : null;
}

export interface Timeline {
  times: string[];
  series: Series[];
  unit: string;
}

const MS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
// As many as the API gives of one series; beyond it gaps are drawn as lines.
const POINTS_MAX = 4_000;

/** One series for each measure, over every bucket between the first and the last: no data is a gap, not a line. */
export function timelineOf(answer: Answer, measures: readonly string[], labels: Record<string, string> = {}): Timeline {
  const rows = answer.points_left_out ? answer.rows : filled(answer.rows, answer.grain);
  const { dashedFrom, dashedTo } = openOf(rows);
  const series = measures.map((name) => ({
    name,
    label: labels[name] ?? titleOf(answer, name),
    values: rows.map((row) => amount(row[name])),
    dashedFrom,
    ...(dashedTo ? { dashedTo } : {}),
  }));
  return { times: rows.map((row) => String(row[answer.grain])), series, unit: unitOf(answer, measures[0]!) };
}

/** What is not whole: the last buckets are still being filled, and a range may cut its first. */
function openOf(rows: readonly Record<string, unknown>[]): { dashedFrom: number | null; dashedTo: number } {
  const whole = (row: Record<string, unknown>) => row["complete"] !== false;
  const [first, last] = [rows.findIndex(whole), rows.findLastIndex(whole)];
  if (first < 0) return { dashedFrom: rows.length ? 0 : null, dashedTo: 0 };
  return { dashedFrom: last + 1 < rows.length ? last + 1 : null, dashedTo: first };
}

/** The rows with an empty one for each bucket that had no facts. */
export function filled(rows: readonly Record<string, unknown>[], grain: string): Record<string, unknown>[] {
  const step = MS[grain];
  const first = rows[0];
  const last = rows.at(-1);
  if (!step || !first || !last) return [...rows];
  const [start, end] = [Date.parse(String(first[grain])), Date.parse(String(last[grain]))];
  if ((end - start) / step >= POINTS_MAX) return [...rows];
  const known = new Map(rows.map((row) => [Date.parse(String(row[grain])), row]));
  return Array.from({ length: Math.round((end - start) / step) + 1 }, (_, index) => {
    const at = start + index * step;
    return known.get(at) ?? { [grain]: new Date(at).toISOString().replace(".000Z", "Z"), complete: true };
  });
}

export function titleOf(answer: Answer, name: string): string {
  return answer.measures.find((measure) => measure.name === name)?.title ?? name;
}

export function unitOf(answer: Answer, name: string): string {
  return answer.measures.find((measure) => measure.name === name)?.unit ?? "quantity";
}

export function goodOf(answer: Answer, name: string): string {
  return answer.measures.find((measure) => measure.name === name)?.good ?? "none";
}

/** A cell as an amount; null where the row or the value is unknown. */
export function amount(cell: unknown): string | number | null {
  return typeof cell === "string" || typeof cell === "number" ? cell : null;
}

/** An amount over so many minutes as what it is in each, to show beside the sum. */
export function perMinute(sum: Amount, minutes: number): string | null {
  const exact = decimal(sum);
  const by = decimal(minutes);
  const each = exact && by ? divided(exact, by, 12) : null;
  return each ? text(each) : null;
}

/** The last complete minutes before now: the minute of the latest event is still being filled. */
export function lastMinutes(latest: string, to: string | null, minutes: number): { from: string; to: string } {
  const now = Math.min(Date.parse(latest), to ? Date.parse(to) : Infinity);
  const end = Math.floor(now / 60_000) * 60_000;
  const rfc = (at: number) => new Date(at).toISOString().replace(".000Z", "Z");
  return { from: rfc(end - minutes * 60_000), to: rfc(end) };
}

/** Minutes of a half-open window. */
export function minutesOf(window: { start: string | null; end: string | null }): number | null {
  if (!window.start || !window.end) return null;
  return (Date.parse(window.end) - Date.parse(window.start)) / 60_000;
}

/** A window as long before an instant as after it, never past `end`. */
export function around(at: string, hours: number, end: string | null) {
  const middle = Date.parse(at);
  const stop = Math.min(middle + hours * 3_600_000, end ? Date.parse(end) : Infinity);
  const span = Math.max(60_000, stop - middle);
  const rfc = (moment: number) => new Date(moment).toISOString().replace(".000Z", "Z");
  return {
    before: { from: rfc(middle - span), to: rfc(middle) },
    after: { from: rfc(middle), to: rfc(middle + span) },
  };
}

/** The filter of one segment as the API takes it; unknown is the empty value. */
export function filterOf(dimension: string, value: unknown): string {
  const said = value === null || value === undefined ? "" : String(value);
  return `${dimension}:${encodeURIComponent(said)}`;
}
