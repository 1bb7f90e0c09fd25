import { describe, expect, test } from "vitest";

import { decimal, minus, plus } from "../../format";
import type { EventLine, Receipt, ShareLine, UsageLine } from "./shape";
import { bursts, sectionsOf, stepsOf, totalsOf, usageOf } from "./till";

function usage(changes: Partial<UsageLine> = {}): UsageLine {
  return {
    meter: "cpu_seconds",
    quantity: "413.021",
    pricing: "list",
    resource: "vm-1",
    kind: "cost",
    unit: "s",
    price: "0.0464",
    per: "3600",
    rate_id: "cloud@1/rates/1",
    amount: "0.005323",
    currency: "USD",
    ...changes,
  };
}

function event(changes: Partial<EventLine> = {}): EventLine {
  return {
    id: "e1",
    source: "/api",
    event_type: "api.call",
    event_time: "2026-09-01T14:21:57Z",
    outcome: null,
    currency: "USD",
    late: false,
    latency_ms: "55.4",
    amounts: {},
    usage: [],
    keys: { order: "o-1" },
    attempt: false,
    success: false,
    ...changes,
  };
}

function receipt(changes: Partial<Receipt> = {}): Receipt {
  return {
    unit_type: "order",
    unit_key: "o-1",
    currency: "USD",
    opened_at: "2026-09-01T14:21:46Z",
    segments: {},
    parents: [],
    children: [],
    events: [],
    bill_lines: [],
    shares: [],
    totals: {},
    unpriced: 0,
    status: null,
    exchanged: [],
    notes: [],
    ...changes,
  };
}

const TOTALS = {
  gross_revenue: "20.00",
  discounts: "2.50",
  refunds: null,
  revenue: "17.50",
  fees: "0.80",
  usage_cost: "0.3071",
  variable_cost: "1.2071",
  contribution_margin: "16.2929",
  shared_cost: "0.0287",
  fixed_cost: null,
  margin_after_shared_cost: "16.2642",
};

describe("the till", () => {
  test("what is earned stands with plus, what is taken off with minus", () => {
    const paid = event({ amounts: { revenue: "20", discount: "2.5", fee: "0.8", tax: "3" } });
    const [section] = sectionsOf(receipt({ events: [paid] }), "UTC");
    expect(section!.lines.map(({ what, amount }) => [what, amount])).toEqual([
      ["revenue", "20"],
      ["discount", "-2.5"],
      ["fee", "-0.8"],
      ["tax (memo)", "3"],
    ]);
  });

  test("a usage line tells quantity, rate and where the rate stands", () => {
    const [section] = sectionsOf(receipt({ events: [event({ usage: [usage()] })] }), "UTC");
    expect(section!.lines[0]).toMatchObject({
      what: "413.021 s cpu_seconds × 0.0464 / 3,600",
      how: "cloud@1/rates/1 on vm-1",
      amount: "-0.005323",
    });
  });

  test("usage that a bill has taken over does not count, usage without a price is no zero", () => {
    const lines = [usage({ pricing: "billed" }), usage({ pricing: "unpriced", rate_id: null, amount: null })];
    const [section] = sectionsOf(receipt({ events: [event({ usage: lines })] }), "UTC");
    expect(section!.lines.map(({ amount, word }) => [amount, word])).toEqual([
      [null, "list 0.005323, see bill"],
      [null, "unpriced"],
    ]);
  });

  test("fees by event and by percentage say what they are of", () => {
    const lines = [
      usage({ meter: "@events", price: "0.30", per: "1", kind: "fee" }),
      usage({ meter: "@revenue", quantity: "20", price: "2.9", per: "100", kind: "fee" }),
    ];
    const [section] = sectionsOf(receipt({ events: [event({ usage: lines })] }), "UTC");
    expect(section!.lines.map(({ what }) => what)).toEqual(["fee of 0.30 an event", "fee of 2.9 % of revenue 20"]);
  });

  test("another currency is named", () => {
    const paid = event({ currency: "EUR", amounts: { revenue: "20" } });
    expect(sectionsOf(receipt({ events: [paid] }), "UTC")[0]!.lines[0]!.what).toBe("revenue, in EUR");
  });
});

describe("what bills bring", () => {
  function share(changes: Partial<ShareLine> = {}): ShareLine {
    const line = { rule: "tax", kind: "shared", day: "2026-09-01T00:00:00Z", meter: null, resource: null, bill_id: 1 };
    const of = { basis: "revenue", part: "1", whole: "4", whole_cost: "0.00", cost: "0", currency: "USD" };
    return { ...line, ...of, ...changes };
  }

  test("shares of nothing stand together, others and unknown ones by themselves", () => {
    const shares = [share(), share({ part: "2" }), share({ cost: null }), share({ whole_cost: "8", cost: "2" })];
    const [section] = sectionsOf(receipt({ shares }), "UTC");
    expect(section!.lines.map(({ how, amount }) => [how, amount])).toEqual([
      ["2026-09-01 2 shares of 0.00", "0"],
      ["2026-09-01 1 of 4 revenue, of 0.00", null],
      ["2026-09-01 1 of 4 revenue, of 8.00", "-2"],
    ]);
  });

  test("exchange rates say whose they are and of which day", () => {
    const rate = { currency: "EUR", day: "2026-09-06", rate: "1.0834", origin: "ECB", published: "2026-09-04" };
    const [section] = sectionsOf(receipt({ exchanged: [rate] }), "UTC");
    expect(section!.lines[0]).toMatchObject({ what: "2026-09-06 1 EUR", how: "ECB of 2026-09-04", word: "1.0834" });
  });
});

describe("the foot", () => {
  test("unknown parts have no line, unknown sums have one", () => {
    const names = totalsOf(receipt({ totals: { ...TOTALS, gross_revenue: null, discounts: null, revenue: null } }));
    expect(names.map(({ name }) => name)).toEqual([
      "revenue",
      "variable_cost",
      "contribution_margin",
      "shared_cost",
      "margin_after_shared_cost",
    ]);
    expect(names[0]!.amount).toBeNull();
  });

  test("the steps lead exactly from gross revenue to what is left", () => {
    const { before, after, steps } = stepsOf(receipt({ totals: TOTALS }));
    const moves = steps.filter((step) => !step.subtotal).map((step) => decimal(step.amount)!);
    const reached = moves.reduce((sum, move) => plus(sum, move), decimal(before)!);
    expect(minus(reached, decimal(after)!).digits).toBe(0n);
    expect(steps.find(({ name }) => name === "other_cost")!.amount).toBe("-0.1000");
  });
});

describe("use and time", () => {
  test("quantities of a meter add up exactly, fees are no use", () => {
    const lines = [usage(), usage({ quantity: "0.0000000001" }), usage({ meter: "@events", quantity: "1" })];
    expect(usageOf(receipt({ events: [event({ usage: lines })] }))).toEqual([
      { meter: "cpu_seconds", quantity: "413.0210000001", unit: "s", lines: 2 },
    ]);
  });

  test("events far apart stand on axes of their own", () => {
    const times = ["2026-09-01T10:00:00Z", "2026-09-01T10:30:00Z", "2026-09-05T10:00:00Z"];
    const groups = bursts(times.map((event_time, index) => event({ id: String(index), event_time })));
    expect(groups.map((group) => group.map(({ id }) => id))).toEqual([["0", "1"], ["2"]]);
  });
});
