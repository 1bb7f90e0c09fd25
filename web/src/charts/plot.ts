/** What uPlot is told. Enters: series, times, colours. Leaves: its options and aligned data. */

import type uPlot from "uplot";

import { LOCALE, clock, time, value, type Amount } from "../format";
import { lonely, split } from "./buckets";
import { extent, nice, tickLabel, ticksOf } from "./scale";
import { DASHES, INCOMPLETE_DASH, colorOf, resolved } from "./theme";

export interface Series {
  name: string;
  label: string;
  values: readonly Amount[];
  /** A CSS colour, or the number of one of the eight series colours; its place by default. */
  color?: number | string;
  /** The first bucket that is not complete yet. */
  dashedFrom?: number | null;
  /** The first bucket that the range does not cut at its start. */
  dashedTo?: number | null;
}

export interface Target {
  value: number;
  label: string;
}

export interface PlotLook {
  series: readonly Series[];
  grain: string;
  tz: string;
  unit: string;
  currency?: string | null | undefined;
  zero: boolean;
  target?: Target | null | undefined;
  zoomable: boolean;
}

export const X_AXIS_PX = 28;

/** Seconds and rows of numbers in the order of `lines`. */
export function dataOf(series: readonly Series[], times: readonly string[]): uPlot.AlignedData {
  const seconds = times.map((each) => Date.parse(each) / 1000);
  const rows = series.flatMap((each) => {
    const { solid, dashed } = split(each.values, each);
    return [solid, dashed ?? solid.map(() => null)];
  });
  return [seconds, ...rows];
}

export function optionsOf(look: PlotLook, width: number, height: number, hooks: uPlot.Hooks.Arrays): uPlot.Options {
  return {
    width,
    height,
    padding: [8, 22, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 7 },
      drag: { x: look.zoomable, y: false, setScale: false, dist: 6 },
    },
    // Days are UTC's own whatever the viewer's zone, as in format/time.ts.
    tzDate: (seconds) => zoned(seconds, isCalendar(look.grain) ? "UTC" : look.tz),
    scales: {
      x: { time: true, range: (plot, min, max) => spanOf(min, max, plot.data[0].length, look.grain) },
      y: { range: (_, min, max) => rangeOf(look, min, max) },
    },
    axes: [xAxis(look), yAxis(look)],
    series: [{}, ...look.series.flatMap((each, index) => lines(each, index))],
    hooks,
  };
}

/** One bucket alone stands in the middle of its neighbours: uPlot would show years after it. */
export function spanOf(min: number, max: number, buckets: number, grain: string): [number, number] {
  if (buckets > 1) return [min, max];
  const room = SECONDS[grain] ?? 3600;
  return [min - room, min + room];
}

const SECONDS: Record<string, number> = { minute: 60, hour: 3600, day: 86_400, month: 30 * 86_400 };

function rangeOf(look: PlotLook, min: number | null, max: number | null): [number, number] {
  const wanted = look.target ? [min, max, look.target.value] : [min, max];
  const domain = nice(extent(wanted), 4, look.zero);
  // A rate cannot pass 100 %: room above it would suggest so.
  const top = look.unit === "ratio" && (max ?? 0) <= 1 ? Math.min(1, domain.max) : domain.max;
  const low = look.unit === "ratio" && (min ?? 0) >= 0 ? Math.max(0, domain.min) : domain.min;
  return top > low ? [low, top] : [domain.min, domain.max];
}

function lines(series: Series, index: number): uPlot.Series[] {
  const color = resolved(colorOf(index, series.color));
  const common = { label: series.label, stroke: color, width: 1.75 };
  return [
    { ...common, dash: [...DASHES[index % DASHES.length]!], points: points(color) },
    { ...common, dash: [...INCOMPLETE_DASH], points: hollow(color) },
  ];
}

/** Few buckets show each as a point; many only those that no line reaches. */
function points(color: string): uPlot.Series.Points {
  return {
    size: 5,
    stroke: color,
    fill: color,
    show: true,
    filter: (plot, series, show) => {
      const row = plot.data[series] as (number | null)[];
      if (show && row.length <= 45) return row.flatMap((each, at) => (each === null ? [] : [at]));
      return lonely(row);
    },
  };
}

/** What is not whole, hollow; where its line meets the whole part there is a point already. */
function hollow(color: string): uPlot.Series.Points {
  return {
    size: 5,
    stroke: color,
    fill: resolved("var(--surface)"),
    show: true,
    filter: (plot, series) => {
      const [row, whole] = [plot.data[series], plot.data[series - 1]] as (number | null)[][];
      if (row!.length > 45) return [];
      return row!.flatMap((each, at) => (each === null || whole![at] !== null ? [] : [at]));
    },
  };
}

function xAxis(look: PlotLook): uPlot.Axis {
  return {
    ...axisLook(),
    size: X_AXIS_PX,
    space: 72,
    values: (_, splits, __, ___, step) => splits.map((seconds) => timeLabel(seconds, step, look)),
  };
}

function yAxis(look: PlotLook): uPlot.Axis {
  const label = (each: number, splits: readonly number[]) =>
    tickLabel(each, look.unit, splits.length > 1 ? splits[1]! - splits[0]! : 1, look.currency);
  return {
    ...axisLook(),
    size: (_, labels) => Math.max(44, Math.max(0, ...(labels ?? []).map((each) => each.length)) * 6.6 + 16),
    // There is no half of what is counted.
    splits: (_, __, min, max) => ticksOf({ min, max }, 4).filter((tick) => look.unit !== "count" || tick % 1 === 0),
    values: (_, splits) => splits.map((each) => label(each, splits)),
  };
}

function axisLook(): uPlot.Axis {
  return {
    stroke: resolved("var(--text-2)"),
    font: `11px ${resolved("var(--font)") || "sans-serif"}`,
    gap: 6,
    grid: { stroke: resolved("var(--border)"), width: 1 },
    ticks: { show: false },
  };
}

const DAY = 86_400;

/** The date where a day begins, the clock inside it. */
export function timeLabel(seconds: number, step: number, look: { grain: string; tz: string }): string {
  const moment = new Date(seconds * 1000);
  if (look.grain === "month") return time(moment, "UTC", "month");
  const tz = isCalendar(look.grain) ? "UTC" : look.tz;
  const hour = clock(moment, tz);
  if (step < DAY && hour !== "00:00") return hour;
  return dayLabel(moment, tz);
}

function dayLabel(moment: Date, tz: string): string {
  return moment.toLocaleDateString(LOCALE, { timeZone: tz, month: "short", day: "numeric" });
}

function isCalendar(grain: string): boolean {
  return grain === "day" || grain === "month";
}

function zoned(seconds: number, tz: string): Date {
  // uPlot reads local fields of the date it is given.
  const shown = new Date(seconds * 1000).toLocaleString("en-US", { timeZone: tz, hourCycle: "h23" });
  const local = new Date(shown);
  local.setMilliseconds((seconds * 1000) % 1000);
  return local;
}

/** One sentence of what the chart shows, for those who do not see it. */
export function summary(look: PlotLook, times: readonly string[]): string {
  const first = times[0];
  const last = times.at(-1);
  if (first === undefined || last === undefined) return "No data.";
  const span = `${times.length} buckets by ${look.grain}, ${time(first, look.tz, look.grain)} to ${time(last, look.tz, look.grain)}.`;
  const each = look.series.map(({ label, values }) => {
    const range = extent(dataOf([{ name: "", label, values }], times)[1] as (number | null)[]);
    if (!range) return `${label}: unknown.`;
    const show = (amount: number) => value(amount, look.unit, look.currency);
    return `${label}: lowest ${show(range.min)}, highest ${show(range.max)}.`;
  });
  return [span, ...each].join(" ");
}
