import { describe, expect, test } from "vitest";

import { around, filled, filterOf, lastMinutes, perMinute, timelineOf, type Answer } from "./answers";

function answer(rows: Record<string, unknown>[], changes: Partial<Answer> = {}): Answer {
  return {
    currency: "USD",
    grain: "hour",
    by: [],
    measures: [{ name: "failures", title: "Failures", unit: "count", good: "down" }],
    rows,
    notes: [],
    window: { start: null, end: null },
    ...changes,
  };
}

describe("timelines", () => {
  const rows = [
    { hour: "2026-09-01T00:00:00Z", failures: 3, complete: true },
    { hour: "2026-09-01T03:00:00Z", failures: 1, complete: false },
  ];

  test("a bucket without facts is unknown, and the open one is where dashes begin", () => {
    const { times, series, unit } = timelineOf(answer(rows), ["failures"]);
    expect(times).toHaveLength(4);
    expect(series[0]).toEqual({ name: "failures", label: "Failures", values: [3, null, null, 1], dashedFrom: 3 });
    expect(unit).toBe("count");
  });

  test("a bucket that the range cuts at its start does not make what follows incomplete", () => {
    const cut = [
      { ...rows[0]!, complete: false },
      { ...rows[1]!, complete: true },
    ];
    expect(timelineOf(answer(cut), ["failures"]).series[0]).toMatchObject({ dashedFrom: null, dashedTo: 1 });
    const none = cut.map((row) => ({ ...row, complete: false }));
    expect(timelineOf(answer(none, { points_left_out: 1 }), ["failures"]).series[0]!.dashedFrom).toBe(0);
  });

  test("buckets that the server left out are no gaps", () => {
    expect(timelineOf(answer(rows, { points_left_out: 2 }), ["failures"]).times).toHaveLength(2);
  });

  test("no rows, and months, are left as they are", () => {
    expect(filled([], "hour")).toEqual([]);
    expect(filled([{ month: "2026-01-01T00:00:00Z" }, { month: "2026-03-01T00:00:00Z" }], "month")).toHaveLength(2);
  });

  test("years of minutes are not filled", () => {
    const far = [{ minute: "2020-01-01T00:00:00Z" }, { minute: "2026-01-01T00:00:00Z" }];
    expect(filled(far, "minute")).toHaveLength(2);
  });
});

describe("windows", () => {
  test("the minute of the latest event is not complete", () => {
    expect(lastMinutes("2026-09-30T23:59:37.765Z", null, 15)).toEqual({
      from: "2026-09-30T23:44:00Z",
      to: "2026-09-30T23:59:00Z",
    });
  });

  test("a view that ends earlier ends there", () => {
    expect(lastMinutes("2026-09-30T23:59:37Z", "2026-09-30T12:00:00Z", 5).to).toBe("2026-09-30T12:00:00Z");
  });

  test("before and after are equally long, cut where the data ends", () => {
    expect(around("2026-09-10T12:00:00Z", 24, "2026-09-10T18:00:00Z")).toEqual({
      before: { from: "2026-09-10T06:00:00Z", to: "2026-09-10T12:00:00Z" },
      after: { from: "2026-09-10T12:00:00Z", to: "2026-09-10T18:00:00Z" },
    });
  });
});

describe("amounts", () => {
  test("a sum over minutes is told per minute, unknown stays unknown", () => {
    expect(perMinute("30", 15)).toBe("2.000000000000");
    expect(perMinute(null, 15)).toBeNull();
    expect(perMinute("30", 0)).toBeNull();
  });

  test("a value with a comma or nothing is a filter all the same", () => {
    expect(filterOf("plan", "a,b:c")).toBe("plan:a%2Cb%3Ac");
    expect(filterOf("plan", null)).toBe("plan:");
  });
});
