import { expect, test } from "vitest";

import { refusedOf } from "./refused";
import type { Rates, RatesAt } from "../../api/schema";

function row(bucket: string, rejected: number, rules: Record<string, number>): RatesAt {
  return {
    bucket,
    rejected,
    rules,
    source: "shop",
    received: 9,
    accepted: 9,
    duplicate: 0,
    conflict: 0,
    orphan: 0,
    late: 0,
    unpriced: 0,
    duplicate_rate: null,
    rejected_rate: null,
    orphan_rate: null,
    late_rate: null,
  };
}

function rates(rows: RatesAt[]): Rates {
  const window = { start: "2026-09-01T00:00:00Z", end: "2026-09-02T00:00:00Z" };
  return { window, grain: "hour", rows };
}

test("sources of one bucket come together, and the rules that refuse most come first", () => {
  const rows = [row("b", 3, { shape: 1, schema: 2 }), row("a", 1, { schema: 1 }), row("b", 2, { schema: 2 })];
  const { times, series } = refusedOf(rates(rows));
  expect(times).toEqual(["a", "b"]);
  expect(series.map(({ name, values }) => [name, values])).toEqual([
    ["rejected", [1, 5]],
    ["schema", [1, 4]],
    ["shape", [0, 1]],
  ]);
});

test("no more than the greatest three rules have a series", () => {
  const { series } = refusedOf(rates([row("a", 10, { a: 1, b: 2, c: 3, d: 4 })]));
  expect(series.map(({ name }) => name)).toEqual(["rejected", "d", "c", "b"]);
});
