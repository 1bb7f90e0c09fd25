import { describe, expect, test } from "vitest";

import { clustered, summed, type Annotation } from "./annotations";
import { endOf, lonely, ranged, sampled, split } from "./buckets";
import { spansOf } from "./Bridge";
import { moved, nearest } from "./cursor";
import { spanOf } from "./plot";
import { extent, linear, nice, stepOf, tickLabel, ticksOf } from "./scale";
import { pathOf } from "./Sparkline";
import { reach } from "./Waterfall";

describe("scales", () => {
  test("a nice domain holds all it was made of, at every size", () => {
    for (let power = -9; power < 12; power += 1) {
      for (const [min, max] of [
        [0, 1.7],
        [-3.3, 8.1],
        [-9, -2.5],
        [4.2, 4.2],
      ] as const) {
        const scaled = { min: min * 10 ** power, max: max * 10 ** power };
        const domain = nice(scaled, 5, power % 2 === 0);
        expect(domain.min).toBeLessThanOrEqual(scaled.min);
        expect(domain.max).toBeGreaterThanOrEqual(scaled.max);
        expect(domain.max).toBeGreaterThan(domain.min);
        const ticks = ticksOf(domain, 5);
        expect(ticks.length).toBeGreaterThan(1);
        expect(ticks.length).toBeLessThan(13);
        expect(new Set(ticks.map((tick) => tickLabel(tick, "count", stepOf(domain.max - domain.min, 5)))).size).toBe(
          ticks.length,
        );
      }
    }
  });

  test("a zero-based domain holds zero, and one flat value gets room", () => {
    expect(nice({ min: 5, max: 9 }, 5, true).min).toBe(0);
    expect(nice({ min: 0, max: 0 }, 5, true)).toEqual({ min: 0, max: 1 });
    expect(nice(null)).toEqual({ min: 0, max: 1 });
  });

  test("ticks are round, without the dust of floating point", () => {
    expect(ticksOf({ min: 0, max: 0.5 }, 5)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(ticksOf({ min: -20, max: 20 }, 4)).toEqual([-20, -10, 0, 10, 20]);
  });

  test("unknown and infinite values do not count", () => {
    expect(extent([null, undefined, NaN, Infinity])).toBeNull();
    expect(extent([null, 3, -2])).toEqual({ min: -2, max: 3 });
  });

  test("a scale maps its ends onto the ends", () => {
    const x = linear({ min: -5, max: 5 }, 100, 0);
    expect([x(-5), x(0), x(5)]).toEqual([100, 50, 0]);
    expect(linear({ min: 1, max: 1 }, 7, 9)(1)).toBe(7);
  });

  test.each([
    [0.95, "ratio", 0.05, "95 %"],
    [0.995, "ratio", 0.005, "99.5 %"],
    [250, "ms", 50, "250 ms"],
    [2000, "ms", 1000, "2 s"],
    [1_500_000, "money", 500_000, "$1.5M"],
    [-2000, "money", 1000, "-$2,000"],
    [0.02, "money", 0.01, "$0.02"],
    [0, "count", 10, "0"],
    [15_000, "count", 5000, "15K"],
    [2_000_000, "By", 1_000_000, "2 MB"],
  ])("tick %s of %s is short", (value, unit, step, shown) => {
    expect(tickLabel(value, unit, step, "USD")).toBe(shown);
  });
});

describe("the keyboard's cursor", () => {
  test("it starts at the end it is moved from and stays inside", () => {
    expect(moved("ArrowRight", null, 5)).toBe(0);
    expect(moved("ArrowLeft", null, 5)).toBe(4);
    expect(moved("ArrowRight", 4, 5)).toBe(4);
    expect(moved("PageDown", 1, 5)).toBe(4);
    expect(moved("PageUp", 3, 5)).toBe(0);
    expect(moved("Home", 3, 5)).toBe(0);
    expect(moved("End", 0, 5)).toBe(4);
  });

  test("Escape clears it once, and other keys are left to the page", () => {
    expect(moved("Escape", 3, 5)).toBeNull();
    expect(moved("Escape", null, 5)).toBeUndefined();
    expect(moved("k", 3, 5)).toBeUndefined();
    expect(moved("ArrowRight", null, 0)).toBeUndefined();
  });

  test("the nearest bucket is the nearest on both sides", () => {
    const times = [0, 10, 20, 30];
    expect([-5, 4, 6, 15.1, 99].map((at) => nearest(times, at))).toEqual([0, 0, 1, 2, 3]);
  });
});

describe("buckets", () => {
  const hours = ["2026-09-01T00:00:00Z", "2026-09-01T01:00:00Z", "2026-09-01T02:00:00Z"];
  const at = (iso: string) => Date.parse(iso) / 1000;

  test("a bucket ends where the next begins, months included", () => {
    expect(endOf(hours[0]!, "hour")).toBe(hours[1]);
    expect(endOf("2026-02-01T00:00:00Z", "month")).toBe("2026-03-01T00:00:00Z");
    expect(endOf("2026-12-01T00:00:00Z", "month")).toBe("2027-01-01T00:00:00Z");
  });

  test("a dragged range becomes whole buckets, whichever way it was dragged", () => {
    const [one, other] = [at("2026-09-01T00:50:00Z"), at("2026-09-01T01:10:00Z")];
    const whole = { from: hours[0], to: "2026-09-01T02:00:00Z" };
    expect(ranged(hours, "hour", one, other)).toEqual(whole);
    expect(ranged(hours, "hour", other, one)).toEqual(whole);
    expect(ranged(hours, "hour", at("2026-08-01T00:00:00Z"), at("2026-08-02T00:00:00Z"))).toBeNull();
  });

  test("the table keeps all rows of a short series and every n-th of a long one", () => {
    expect(sampled(3)).toEqual({ step: 1, indexes: [0, 1, 2] });
    const long = sampled(4000, 300);
    expect(long.indexes.length).toBeLessThanOrEqual(300);
    expect(long.indexes.at(-1)!).toBeLessThan(4000);
  });

  test("the incomplete part is joined to the whole one and holds the rest", () => {
    const { solid, dashed } = split(["1", "2", "3", null], { dashedFrom: 2 });
    expect(solid).toEqual([1, 2, null, null]);
    expect(dashed).toEqual([null, 2, 3, null]);
    expect(split(["1"], { dashedFrom: null }).dashed).toBeNull();
    const cut = split(["1", "2", "3"], { dashedTo: 1 });
    expect(cut).toEqual({ solid: [null, 2, 3], dashed: [1, 2, null] });
    expect(split(["1", "2"], { dashedFrom: 0, dashedTo: 2 }).solid).toEqual([null, null]);
  });

  test("values alone between gaps are found", () => {
    expect(lonely([1, null, 2, 3, null, 4])).toEqual([0, 5]);
  });
});

test("one bucket alone has its neighbours' room around it", () => {
  expect(spanOf(7200, 86_400_000, 1, "hour")).toEqual([3600, 10_800]);
  expect(spanOf(0, 60, 2, "hour")).toEqual([0, 60]);
});

describe("annotations", () => {
  const made = (id: number, minute: number, kind = "deployment"): Annotation => ({
    id,
    kind,
    title: `release ${id}`,
    start: new Date(minute * 60_000).toISOString(),
  });

  test("neighbours share a mark, every one is in exactly one, and marks keep their distance", () => {
    const all = [0, 1, 2, 50, 51, 99].map((minute, id) => made(id, minute));
    const clusters = clustered(all, (seconds) => seconds / 6, 990);
    expect(clusters.map((cluster) => cluster.annotations.length)).toEqual([3, 2, 1]);
    for (let index = 1; index < clusters.length; index += 1) {
      expect(clusters[index]!.at - clusters[index - 1]!.at).toBeGreaterThanOrEqual(28);
    }
  });

  test("what lies outside of the plot is left out", () => {
    expect(clustered([made(1, -5), made(2, 500)], (seconds) => seconds, 100)).toEqual([]);
  });

  test("a cluster says what it holds", () => {
    expect(summed([made(1, 0), made(2, 0), made(3, 0, "incident")])).toBe("2 deployments, 1 incident");
  });
});

describe("marks", () => {
  test("each step of a bridge starts where the one above ended", () => {
    const steps = [
      { name: "volume", title: "Volume", amount: "20" },
      { name: "price", title: "Price", amount: "-5" },
    ];
    const spans = spansOf("100", "115", steps, "Before", "After");
    expect(spans.map(({ from, to }) => [from, to])).toEqual([
      [0, 100],
      [100, 120],
      [120, 115],
      [0, 115],
    ]);
  });

  test("a sparkline lifts its pen over what is unknown, and still shows a lone value", () => {
    const path = pathOf([1, null, 2, 3], 100, 20)([1, null, 2, 3]);
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path).toContain("h1");
  });

  test("a trace of one moment has an axis nonetheless", () => {
    const moment = { key: "a", label: "a", start: 5, seconds: null, shown: "" };
    expect(reach([moment])).toEqual({ from: 5, to: 6 });
    expect(reach([moment, { ...moment, start: 7, seconds: 3 }])).toEqual({ from: 5, to: 10 });
  });
});
