/** A receipt as printed lines. Enters: what the API says of a unit. Leaves: sections, totals, steps to the margin. */

import type { Step } from "../../charts";
import {
  decimal,
  exactly,
  minus,
  negated,
  placesOf,
  plus,
  quantity,
  sign,
  text,
  time,
  type Amount,
} from "../../format";
import type { BillLine, EventLine, Exchanged, Receipt, ShareLine, UsageLine } from "./shape";

export interface Line {
  key: string;
  what: string;
  /** How it was computed, or where it stands. */
  how?: string;
  amount: string | null;
  /** A word in the place of an amount: unpriced, measured, see bill. */
  word?: string;
  /** Listed, but replaced by the bill's. */
  replaced?: boolean;
}

export interface Section {
  key: string;
  title: string;
  aside?: string;
  lines: Line[];
}

const PLACES_MAX = 6;
const NAMES: Record<string, string> = { tax: "tax (memo)" };
const TAKEN_OFF = new Set(["discount", "refund", "fee", "cost"]);

/** How many decimals show every amount of a receipt whole. */
export function placesIn(receipt: Receipt): number {
  const amounts: Amount[] = receipt.events.flatMap((event) => [
    ...Object.values(event.amounts),
    ...event.usage.map((line) => line.amount),
  ]);
  amounts.push(...receipt.bill_lines.map((line) => line.effective_cost), ...receipt.shares.map((line) => line.cost));
  return placesOf(amounts, PLACES_MAX);
}

/** The events that say something of money, then the bills; each line with its sign towards the margin. */
export function sectionsOf(receipt: Receipt, tz: string): Section[] {
  const places = placesIn(receipt);
  const home = receipt.currency;
  const events = receipt.events.map((event) => eventSection(event, home, tz, places));
  const bills = receipt.bill_lines.map((line, index) => billLine(line, index, home));
  const shares = folded(receipt.shares).map((lines, index) => shareLine(lines, index, home, places));
  return [
    ...events,
    ...(bills.length ? [{ key: "bills", title: "Bill lines of its own", lines: bills }] : []),
    ...(shares.length ? [{ key: "shares", title: "Share of bills for its segments", lines: shares }] : []),
    ...(receipt.exchanged.length
      ? [{ key: "rates", title: "Exchange rates", lines: receipt.exchanged.map(rateLine) }]
      : []),
  ];
}

function eventSection(event: EventLine, home: string, tz: string, places: number): Section {
  const marks = [event.outcome, event.late ? "late" : null].filter(Boolean).join(", ");
  const amounts = Object.entries(event.amounts).map(([account, amount]) => ({
    key: `${event.id} ${account}`,
    what: `${NAMES[account] ?? account}${foreign(event.currency, home)}`,
    amount: TAKEN_OFF.has(account) ? negated(amount) : amount,
  }));
  const usage = event.usage.map((line, index) => usageLine(line, `${event.id} ${line.meter} ${index}`, home, places));
  return {
    key: event.id,
    title: marks ? `${event.event_type} [${marks}]` : event.event_type,
    aside: time(event.event_time, tz),
    lines: [...amounts, ...usage],
  };
}

function usageLine(line: UsageLine, key: string, home: string, places: number): Line {
  const named = `${quantity(line.quantity, line.unit)} ${line.meter}`;
  if (line.rate_id === null || line.price === null || line.per === null) {
    const word = line.pricing === "unpriced" ? "unpriced" : "measured";
    return { key, what: named, amount: null, word, ...(line.resource ? { how: `on ${line.resource}` } : {}) };
  }
  const how = line.resource ? `${line.rate_id} on ${line.resource}` : line.rate_id;
  const what = `${pricedOf(line, named)}${foreign(line.currency, home)}`;
  if (line.pricing === "billed") {
    return { key, what, how, amount: null, word: `list ${exactly(line.amount, places)}, see bill`, replaced: true };
  }
  return { key, what, how, amount: line.kind === "revenue" ? line.amount : negated(line.amount) };
}

function pricedOf(line: UsageLine, named: string): string {
  if (line.meter === "@events") return `${line.kind} of ${line.price} an event`;
  if (line.meter.startsWith("@")) {
    return `${line.kind} of ${line.price} % of ${line.meter.slice(1)} ${quantity(line.quantity)}`;
  }
  return `${named} × ${line.price}${line.per === "1" ? "" : ` / ${quantity(line.per)}`}`;
}

function billLine(line: BillLine, index: number, home: string): Line {
  const first = line.lines[0] ?? {};
  const service = String(first["service_name"] ?? first["charge_description"] ?? "bill");
  const more = line.line_count > 1 ? ` and ${line.line_count - 1} more` : "";
  return {
    key: `bill ${index}`,
    what: `${line.rule}${foreign(line.currency, home)}`,
    how: `${line.day.slice(0, 10)} ${service}, bill ${line.bill_id}${more}`,
    amount: negated(line.effective_cost),
  };
}

/** Each share by itself; those in nothing at all, of one rule and day, together. */
function folded(shares: readonly ShareLine[]): [ShareLine, ...ShareLine[]][] {
  const runs: [ShareLine, ...ShareLine[]][] = [];
  let last = "";
  for (const share of shares) {
    const nothing = [share.whole_cost, share.cost].every((amount) => isNothing(amount));
    const run = nothing ? [share.rule, share.kind, share.currency, share.day].join("\n") : "";
    if (run && run === last) runs.at(-1)!.push(share);
    else runs.push([share]);
    last = run;
  }
  return runs;
}

function shareLine(lines: [ShareLine, ...ShareLine[]], index: number, home: string, places: number): Line {
  const [line] = lines;
  const on = line.resource ? ` on ${line.resource}` : "";
  const part =
    lines.length > 1
      ? `${lines.length} shares`
      : `${quantity(line.part)} of ${quantity(line.whole)} ${line.basis}${on},`;
  return {
    key: `share ${index}`,
    what: `${line.rule} (${line.kind})${foreign(line.currency, home)}`,
    how: `${line.day.slice(0, 10)} ${part} of ${exactly(line.whole_cost, places)}`,
    amount: negated(line.cost),
    ...(line.cost === null ? { word: "unknown" } : {}),
  };
}

function rateLine({ day, currency, rate, origin, published }: Exchanged): Line {
  return {
    key: `rate ${currency} ${day}`,
    what: `${day} 1 ${currency}`,
    how: published === day ? origin : `${origin} of ${published}`,
    amount: null,
    word: rate,
  };
}

function foreign(currency: string | null, home: string): string {
  return currency === null || currency === home ? "" : `, in ${currency}`;
}

/** What the till adds up at its foot, with signs towards the margin. */
export function totalsOf(receipt: Receipt): { name: string; title: string; amount: string | null; strong: boolean }[] {
  const { totals } = receipt;
  const known = (name: string) => (totals[name] ?? null) !== null;
  const off = (name: string, title: string) => ({ name, title, amount: negated(totals[name]), strong: false });
  const sum = (name: string, title: string) => ({ name, title, amount: totals[name] ?? null, strong: true });
  const taken = (["discounts", "refunds"] as const).filter(known);
  const after = known("shared_cost") || known("fixed_cost");
  return [
    ...(taken.length ? [{ ...sum("gross_revenue", "Gross revenue"), strong: false }] : []),
    ...taken.map((name) => off(name, name === "discounts" ? "Discounts" : "Refunds")),
    sum("revenue", "Revenue"),
    off("variable_cost", "Variable cost"),
    sum("contribution_margin", "Contribution margin"),
    ...(known("shared_cost") ? [off("shared_cost", "Shared cost")] : []),
    ...(known("fixed_cost") ? [off("fixed_cost", "Fixed cost")] : []),
    ...(after ? [sum("margin_after_shared_cost", "After shared cost")] : []),
  ];
}

/** From gross revenue to what is left, with the variable cost in its parts. */
export function stepsOf(receipt: Receipt): { before: Amount; after: Amount; steps: Step[]; afterTitle: string } {
  const { totals } = receipt;
  const step = (name: string, title: string, amount: Amount): Step => ({ name, title, amount: negated(amount) });
  const parts = [
    step("discounts", "Discounts", totals["discounts"]),
    step("refunds", "Refunds", totals["refunds"]),
    step("fees", "Fees", totals["fees"]),
    step("usage_cost", "Usage cost", totals["usage_cost"]),
    step("other_cost", "Other direct cost", otherCost(totals)),
  ];
  const shared = [
    step("shared_cost", "Shared cost", totals["shared_cost"]),
    step("fixed_cost", "Fixed cost", totals["fixed_cost"]),
  ].filter(some);
  const margin = totals["contribution_margin"] ?? null;
  const before = totals["gross_revenue"] ?? null;
  if (shared.length === 0)
    return { before, after: margin, steps: parts.filter(some), afterTitle: "Contribution margin" };
  const reached: Step = { name: "margin", title: "Contribution margin", amount: margin, subtotal: true };
  return {
    before,
    after: totals["margin_after_shared_cost"] ?? null,
    steps: [...parts.filter(some), reached, ...shared],
    afterTitle: "After shared cost",
  };
}

/** Variable cost beyond fees and usage: recorded on events, or named by a bill line. */
function otherCost(totals: Receipt["totals"]): string | null {
  const whole = decimal(totals["variable_cost"]);
  if (whole === null) return null;
  const parts = ["fees", "usage_cost"].map((name) => decimal(totals[name])).filter((part) => part !== null);
  return text(parts.reduce((rest, part) => minus(rest, part), whole));
}

function some(step: Step): boolean {
  return decimal(step.amount) !== null && !isNothing(step.amount);
}

function isNothing(amount: Amount): boolean {
  const exact = decimal(amount);
  return exact !== null && sign(exact) === 0;
}

/** What a unit used by meter, with its unit of measure; amounts by list, as no bill is per meter of a unit. */
export function usageOf(receipt: Receipt): { meter: string; quantity: string; unit: string | null; lines: number }[] {
  const found = new Map<string, { quantity: string; unit: string | null; lines: number }>();
  for (const line of receipt.events.flatMap((event) => event.usage)) {
    if (line.meter.startsWith("@")) continue;
    const sum = found.get(line.meter);
    const added = sum ? text(plus(decimal(sum.quantity)!, decimal(line.quantity)!)) : line.quantity;
    found.set(line.meter, { quantity: added, unit: sum?.unit ?? line.unit, lines: (sum?.lines ?? 0) + 1 });
  }
  return [...found].map(([meter, rest]) => ({ meter, ...rest }));
}

/** Events apart by more than `gap` seconds stand on axes of their own: a refund days later would squeeze the rest. */
export function bursts(events: readonly EventLine[], gap = 3600): EventLine[][] {
  const groups: EventLine[][] = [];
  for (const event of events) {
    const last = groups.at(-1)?.at(-1);
    const apart = last ? (Date.parse(event.event_time) - Date.parse(last.event_time)) / 1000 : Infinity;
    if (apart > gap) groups.push([event]);
    else groups.at(-1)!.push(event);
  }
  return groups;
}
