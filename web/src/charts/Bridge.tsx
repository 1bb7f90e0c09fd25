import { drawn, money, type Amount } from "../format";
import { Track } from "./Bars";
import { useRoving } from "./roving";
import { extent, linear } from "./scale";
import "./charts.css";

export interface Step {
  name: string;
  title: string;
  amount: Amount;
  /** Not a step but what is reached there. */
  subtotal?: boolean;
}

interface BridgeProps {
  title: string;
  before: Amount;
  after: Amount;
  steps: readonly Step[];
  currency: string;
  beforeTitle?: string;
  afterTitle?: string;
  /** Which way is good: of a cost, down. */
  good?: "up" | "down";
}

interface Span {
  name: string;
  title: string;
  amount: Amount;
  from: number;
  to: number | null;
  total: boolean;
}

/** From one amount to another, step by step: each row starts where the one above it ended. */
export function Bridge({
  title,
  before,
  after,
  steps,
  currency,
  beforeTitle = "Before",
  afterTitle = "After",
  good = "up",
}: BridgeProps) {
  const spans = spansOf(before, after, steps, beforeTitle, afterTitle);
  const mark = useRoving<HTMLLIElement>(spans.length);
  const domain = extent([0, ...spans.flatMap(({ from, to }) => [from, to])])!;
  const x = linear(domain.min === domain.max ? { min: 0, max: 1 } : domain, 0, 100);
  return (
    <ol className="pu-spans" aria-label={title}>
      {spans.map((span, index) => {
        const shown = signed(span, currency);
        return (
          <li
            key={span.name}
            className={span.total ? "pu-spans-total" : undefined}
            title={`${span.title}: ${shown}`}
            {...mark(index)}
          >
            <span className="pu-bars-label">{span.title}</span>
            <Track from={span.from} to={span.to} x={x} tone={toneOf(span, good)} />
            <span className="pu-bars-value">{shown}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** Where each row's bar begins and ends. */
export function spansOf(
  before: Amount,
  after: Amount,
  steps: readonly Step[],
  beforeTitle: string,
  afterTitle: string,
): Span[] {
  const start = drawn(before);
  let reached = start ?? 0;
  const between = steps.map((step) => {
    const amount = drawn(step.amount);
    if (step.subtotal) return { ...step, from: 0, to: amount, total: true };
    const from = reached;
    reached += amount ?? 0;
    return { ...step, from, to: amount === null ? null : reached, total: false };
  });
  return [
    { name: "before", title: beforeTitle, amount: before, from: 0, to: start, total: true },
    ...between,
    { name: "after", title: afterTitle, amount: after, from: 0, to: drawn(after), total: true },
  ];
}

function signed(span: Span, currency: string): string {
  const shown = money(span.amount, currency);
  return !span.total && (drawn(span.amount) ?? 0) > 0 ? `+${shown}` : shown;
}

function toneOf(span: Span, good: "up" | "down"): string {
  if (span.total) return "total";
  return (drawn(span.amount) ?? 0) < 0 === (good === "down") ? "good" : "bad";
}
