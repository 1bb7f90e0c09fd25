import { describe, expect, it } from "vitest";

import {
  anchorOf,
  comparable,
  fitting,
  grainOf,
  instantOf,
  lessSaid,
  PRESETS,
  wholeDays,
  windowOf,
  written,
} from "./ranges";
import { spanSaid } from "./RangePicker";

const NOW = Date.parse("2026-03-01T10:20:30Z");

describe("a preset", () => {
  it.each([
    ["1h", "2026-03-01T09:21:00Z", "2026-03-01T10:21:00Z"],
    ["24h", "2026-02-28T10:25:00Z", "2026-03-01T10:25:00Z"],
    ["7d", "2026-02-23T00:00:00Z", "2026-03-02T00:00:00Z"],
    ["mtd", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"],
    ["last-month", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"],
    ["ytd", "2026-01-01T00:00:00Z", "2026-03-02T00:00:00Z"],
  ])("%s is a half-open window", (range, from, to) => {
    expect(windowOf(range, NOW)).toEqual({ from, to });
  });

  it("of days holds as many whole ones as it says", () => {
    for (const range of ["7d", "14d", "30d", "90d"]) {
      const { from, to } = windowOf(range, NOW);
      expect((Date.parse(to) - Date.parse(from)) / 86_400_000).toBe(Number.parseInt(range));
    }
  });

  it("always ends after it begins, and not before now unless it is over", () => {
    for (const { name } of PRESETS)
      for (const at of [NOW, Date.parse("2026-01-01T00:00:00Z"), Date.parse("2028-02-29T23:59:59.999Z")]) {
        const { from, to } = windowOf(name, at);
        expect(Date.parse(from)).toBeLessThan(Date.parse(to));
        if (name !== "last-month") expect(Date.parse(to)).toBeGreaterThanOrEqual(at);
      }
  });
});

describe("a window", () => {
  it("is cut as finely as can be read", () => {
    const from = "2026-03-01T00:00:00Z";
    expect(grainOf({ from, to: "2026-03-01T06:00:00Z" })).toBe("minute");
    expect(grainOf({ from, to: "2026-03-02T00:00:00Z" })).toBe("hour");
    expect(grainOf({ from, to: "2026-03-08T00:00:00Z" })).toBe("day");
  });

  it("ends at the latest fact of data that no longer grows", () => {
    const latest = "2026-01-05T12:00:00Z";
    expect(anchorOf(NOW, latest)).toBe(Date.parse(latest) + 1);
    expect(anchorOf(NOW, "2026-03-01T09:00:00Z")).toBe(NOW);
    expect(anchorOf(NOW, null)).toBe(NOW);
  });

  it("grows to the whole days it touches, and stays where it is whole", () => {
    const whole = { from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z" };
    expect(wholeDays({ from: "2026-03-01T04:00:00Z", to: "2026-03-02T00:00:01Z" })).toEqual(whole);
    expect(wholeDays(whole)).toEqual(whole);
  });

  it("is compared without the day that still goes on", () => {
    const days = { from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z" };
    expect(comparable(days, "2026-03-02T10:20:30Z")).toEqual({ ...days, to: "2026-03-02T00:00:00Z" });
    expect(comparable(days, "2026-03-02T00:00:00Z")).toEqual({ ...days, to: "2026-03-02T00:00:00Z" });
    expect(comparable(days, "2026-03-01T10:20:30Z")).toBeNull();
  });

  it("is compared whole where it is over", () => {
    const days = { from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z" };
    expect(comparable(days, "2026-03-03T00:00:00Z")).toEqual(days);
    expect(comparable(days, null)).toEqual(days);
  });

  it("says how less of it is compared", () => {
    const to = "2026-03-02T10:21:00Z";
    expect(lessSaid(to, to)).toBe("");
    expect(lessSaid("2026-03-03T00:00:00Z", "2026-03-02T00:00:00Z")).toBe(", whole days");
    expect(lessSaid(to, "2026-03-02T10:20:00Z")).toBe(", up to the latest facts");
  });

  it("is compared up to the minute that still goes on where it ends at a time of day", () => {
    const hours = { from: "2026-03-01T10:21:00Z", to: "2026-03-02T10:21:00Z" };
    expect(comparable(hours, "2026-03-02T10:20:30Z")).toEqual({ ...hours, to: "2026-03-02T10:20:00Z" });
    expect(comparable(hours, "2026-03-01T10:00:00Z")).toBeNull();
  });

  it("is shorter at first where a comparison would lack facts", () => {
    const day = (days: number) => new Date(NOW - days * 86_400_000).toISOString();
    expect([10, 28, 60].map((days) => fitting("30d", "previous", day(days), NOW))).toEqual(["7d", "14d", "30d"]);
    expect(fitting("30d", "off", day(10), NOW)).toBe("30d");
    expect(fitting("24h", "previous", day(1), NOW)).toBe("24h");
  });

  it("is told by its days where it is whole, and by its clock where it is not", () => {
    const tz = "Europe/Berlin";
    expect(spanSaid({ from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z", tz })).toBe("2026-03-01 – 2026-03-02");
    expect(spanSaid({ from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z", tz })).toBe("2026-03-01");
    expect(spanSaid({ from: "2026-03-01T08:00:00Z", to: "2026-03-01T09:30:00Z", tz })).toBe(
      "2026-03-01 09:00 – 2026-03-01 10:30",
    );
  });
});

describe("an instant of a link", () => {
  it("is read as it is written, and a bare date is its midnight in UTC", () => {
    for (const iso of [
      "2026-03-01T00:00:00Z",
      "2026-03-01T10:20:00Z",
      "2026-03-01T10:20:30Z",
      "2026-03-01T10:20:30.500Z",
    ])
      expect(instantOf(written(iso))).toBe(iso);
    expect(instantOf("2026-03-01")).toBe("2026-03-01T00:00:00Z");
    expect(instantOf("2026-03-01T10:20")).toBe("2026-03-01T10:20:00Z");
    expect(instantOf("2026-03-01T10:20+02:00")).toBe("2026-03-01T08:20:00Z");
  });

  it("is none where it is something else", () => {
    for (const text of [null, "", "yesterday", "2026-13-01", "12"]) expect(instantOf(text)).toBeNull();
  });
});
