import { describe, expect, test } from "vitest";

import { decimal, divided, drawn, magnitude, minus, text, times } from "./decimal";
import {
  UNKNOWN,
  count,
  delta,
  duration,
  exactly,
  meant,
  money,
  ms,
  placesOf,
  quantity,
  ratio,
  time,
  typed,
  value,
} from "./index";

/** The same numbers at every run: a failure can be told again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function decimals(amount: number): string[] {
  const random = seeded(7);
  return Array.from({ length: amount }, () => {
    const whole = Math.floor(random() * 10 ** Math.floor(random() * 15)).toString();
    const fraction = Array.from({ length: Math.floor(random() * 20) }, () => Math.floor(random() * 10)).join("");
    return `${random() < 0.5 ? "-" : ""}${whole}${fraction ? `.${fraction}` : ""}`;
  });
}

describe("decimals", () => {
  test("text survives being read and written, whatever its length", () => {
    for (const each of decimals(500)) {
      const back = text(decimal(each)!);
      expect(back).toBe(each.replace(/^-(0(?:\.0*)?)$/, "$1"));
    }
  });

  test("a difference and its subtrahend give the minuend, exactly", () => {
    const all = decimals(400);
    for (let index = 1; index < all.length; index += 1) {
      const [one, other] = [decimal(all[index]!)!, decimal(all[index - 1]!)!];
      const back = minus(minus(one, other), {
        digits: -other.digits,
        scale: other.scale,
      });
      expect(minus(back, one).digits).toBe(0n);
    }
  });

  test("a product divided by its factor is the other factor", () => {
    for (const each of decimals(200)) {
      const factor = decimal("0.037")!;
      const back = divided(times(decimal(each)!, factor), factor, 25)!;
      expect(minus(back, decimal(each)!).digits).toBe(0n);
    }
  });

  test.each([null, undefined, "", "n/a", "1.2.3", "1e999999999", "."])("%s is no decimal", (each) => {
    expect(decimal(each)).toBeNull();
    expect(drawn(each)).toBeNull();
  });

  test("an exponent is read", () => {
    expect(text(decimal("1.5E-7")!)).toBe("0.00000015");
    expect(text(decimal("12e3")!)).toBe("12000");
    expect(magnitude(decimal("0.012")!)).toBe(-2);
  });

  test("nothing is divided by zero", () => {
    expect(divided(decimal("1")!, decimal("0.00")!)).toBeNull();
  });
});

describe("values look as the CLI shows them", () => {
  test.each([
    ["1234567.891", "$1,234,567.89"],
    ["-0.5", "-$0.50"],
    ["0.000034567", "$0.000035"],
    ["0", "$0.00"],
    ["-0.00", "$0.00"],
    ["0.125", "$0.12"],
    ["2.345", "$2.34"],
    ["2.355", "$2.36"],
    ["123456789012345678901234567890.125", "$123,456,789,012,345,678,901,234,567,890.12"],
    [null, UNKNOWN],
  ])("money %s is %s", (amount, shown) => {
    expect(money(amount, "USD")).toBe(shown);
  });

  test("money per thousand and per million is scaled exactly", () => {
    expect(money("0.000000123456", "USD", { per: 1_000_000 })).toBe("$0.12");
    expect(money("0.0123", "USD", { per: 1000 })).toBe("$12.30");
  });

  test("compact money keeps one decimal, and small amounts whole", () => {
    expect(money("1234567", "USD", { compact: true })).toBe("$1.2M");
    expect(money("-98765.4", "EUR", { compact: true })).toBe("-€98.8K");
    expect(money("12.5", "USD", { compact: true })).toBe("$12.50");
  });

  test("a currency that Intl does not take is shown as a number", () => {
    expect(money("12.5", "credits")).toBe("12.50");
    expect(money("12.5", null)).toBe("12.50");
  });

  test("every amount reads back to within half of its last place", () => {
    for (const each of decimals(500)) {
      const shown = money(each, "USD");
      const back = Number(shown.replace(/[$,]/g, ""));
      const places = shown.split(".")[1]!.length;
      expect(Math.abs(back - Number(each))).toBeLessThanOrEqual(0.5 * 10 ** -places + Math.abs(Number(each)) * 1e-15);
    }
  });

  test.each([
    ["0.98766", "98.77 %"],
    ["0.00012", "0.012 %"],
    ["1", "100.00 %"],
    [null, UNKNOWN],
  ])("ratio %s is %s", (amount, shown) => {
    expect(ratio(amount)).toBe(shown);
  });

  test.each([
    ["83.2", "83.2 ms"],
    ["12345.6", "12.35 s"],
    ["9999.9", "9,999.9 ms"],
    [null, UNKNOWN],
  ])("milliseconds %s are %s", (amount, shown) => {
    expect(ms(amount)).toBe(shown);
  });

  test("counts and quantities", () => {
    expect(count("1234567")).toBe("1,234,567");
    expect(count(12)).toBe("12");
    expect(count(null)).toBe(UNKNOWN);
    expect(quantity("1234.50000")).toBe("1,234.5");
    expect(quantity("0.00042")).toBe("0.00042");
    expect(quantity("1", "{token}")).toBe("1 token");
    expect(quantity("1200", "{token}")).toBe("1,200 tokens");
    expect(quantity("2.5", "s")).toBe("2.5 s");
    expect(quantity("1536000", "By")).toBe("1.54 MB");
    expect(quantity("999", "By")).toBe("999 B");
    expect(quantity("0", "By")).toBe("0 B");
  });

  test("a measure's unit chooses how it looks", () => {
    expect(value("0.5", "ratio")).toBe("50.00 %");
    expect(value("0.5", "money", "USD")).toBe("$0.50");
    expect(value("12", "count")).toBe("12");
    expect(value("12", "ms")).toBe("12.0 ms");
    expect(value("12.5", "quantity")).toBe("12.5");
    expect(value(null, "money", "USD")).toBe(UNKNOWN);
  });

  test("a column that adds up has the same places in every row", () => {
    const places = placesOf(["1.5", "0.000270", null], 6);
    expect(places).toBe(5);
    expect(exactly("1.5", places)).toBe("1.50000");
  });
});

describe("changes", () => {
  test("a positive base gives per cent", () => {
    expect(
      delta({
        now: "75",
        before: "100",
        unit: "money",
        good: "up",
        currency: "USD",
      }),
    ).toEqual({
      text: "-25.0 %",
      tone: "bad",
      direction: "down",
    });
  });

  test("a ratio moves in points", () => {
    expect(delta({ now: "0.9625", before: "0.95", unit: "ratio", good: "up" })).toEqual({
      text: "+1.25 pt",
      tone: "good",
      direction: "up",
    });
  });

  test.each(["-100", "0"])("a base of %s gives the absolute change, never per cent", (before) => {
    const shown = delta({
      now: "1134.5",
      before,
      unit: "money",
      good: "up",
      currency: "USD",
    });
    expect(shown.text).toBe(before === "0" ? "+$1,134.50" : "+$1,234.50");
    expect(shown.tone).toBe("good");
  });

  test("less cost is good, and neither where a measure has no direction", () => {
    expect(delta({ now: "1", before: "2", unit: "money", good: "down" }).tone).toBe("good");
    expect(delta({ now: "1", before: "2", unit: "money", good: "none" }).tone).toBe("flat");
  });

  test("the sign of the text is the sign of the change, at every size", () => {
    const random = seeded(3);
    for (const each of decimals(300)) {
      const shown = delta({
        now: each,
        before: (random() * 100).toFixed(3),
        unit: "money",
        good: "up",
      });
      if (shown.direction === "down") expect(shown.text.startsWith("-")).toBe(true);
      if (shown.direction === "up") expect(shown.text.startsWith("+")).toBe(true);
    }
  });

  test("an unknown side gives an unknown change", () => {
    expect(delta({ now: null, before: "1", unit: "money", good: "up" }).text).toBe(UNKNOWN);
    expect(delta({ now: "1", before: null, unit: "money", good: "up" }).direction).toBe("flat");
  });
});

describe("time", () => {
  test("a bucket is as long as its grain needs", () => {
    expect(time("2026-09-08T14:05:00Z", "UTC", "minute")).toBe("2026-09-08 14:05");
    expect(time("2026-09-08T14:00:00Z", "Europe/Berlin", "hour")).toBe("2026-09-08 16:00");
    expect(time("2026-09-08T00:00:00Z", "UTC", "day")).toBe("2026-09-08 Tue");
    expect(time("2026-09-01T00:00:00Z", "UTC", "month")).toBe("2026-09");
  });

  test("days stay UTC's own in every zone: the sums are", () => {
    expect(time("2026-09-08T00:00:00Z", "America/New_York", "day")).toBe("2026-09-08 Tue");
  });

  test("an instant names its zone, and its seconds where there are any", () => {
    expect(time("2026-09-08T14:05:00Z", "UTC")).toBe("2026-09-08 14:05 UTC");
    expect(time("2026-09-08T14:05:00Z", "UTC", "second")).toBe("2026-09-08 14:05:00 UTC");
    expect(time("2026-09-08T14:05:09.7Z", "America/New_York")).toBe("2026-09-08 10:05:09 EDT");
    expect(time(null, "UTC")).toBe(UNKNOWN);
    expect(time("yesterday", "UTC")).toBe(UNKNOWN);
  });

  test("midnight is 00:00, never 24:00", () => {
    expect(time("2026-09-08T00:00:00Z", "UTC", "hour")).toBe("2026-09-08 00:00");
  });

  test.each(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham"])(
    "what is typed in %s means the instant it was typed from",
    (tz) => {
      for (const iso of ["2026-01-15T11:30:00Z", "2026-07-01T23:59:00Z", "2026-02-28T00:00:00Z"]) {
        expect(meant(typed(iso, tz), tz)).toBe(iso);
      }
    },
  );

  test("what is no time means nothing", () => {
    expect(meant("soon", "UTC")).toBeNull();
  });

  test.each([
    [0.004, "0.004 s"],
    [0, "0 s"],
    [2.54, "2.5 s"],
    [45, "45 s"],
    [200, "3 min 20 s"],
    [3600, "1 h"],
    [7500, "2 h 5 min"],
    [273_600, "3 d 4 h"],
    [-90, "-1 min 30 s"],
    [null, UNKNOWN],
  ])("%s seconds are %s", (seconds, shown) => {
    expect(duration(seconds)).toBe(shown);
  });
});
