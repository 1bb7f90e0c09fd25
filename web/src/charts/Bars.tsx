import type { ReactNode } from "react";

import { drawn, type Amount } from "../format";
import { useRoving } from "./roving";
import { extent, linear } from "./scale";
import "./charts.css";

export interface BarRow {
  key: string;
  label: string;
  value: Amount;
  /** The value as text. */
  shown: string;
  tone?: "good" | "bad" | "flat";
  /** More about it, as the mark's title. */
  title?: string;
  extra?: ReactNode;
}

interface BarsProps {
  title: string;
  rows: readonly BarRow[];
  onPick?: (row: BarRow) => void;
}

/** Ranked horizontal bars in the order given; values below zero grow to the left. */
export function Bars({ title, rows, onPick }: BarsProps) {
  const mark = useRoving<HTMLLIElement>(rows.length);
  const domain = extent([0, ...rows.map(({ value }) => drawn(value))])!;
  const x = linear(domain.min === domain.max ? { min: 0, max: 1 } : domain, 0, 100);
  return (
    <ul className="pu-bars" aria-label={title}>
      {rows.map((row, index) => (
        <li key={row.key} title={row.title ?? `${row.label}: ${row.shown}`} {...(onPick ? {} : mark(index))}>
          <span className="pu-bars-label">
            {onPick ? (
              <button type="button" onClick={() => onPick(row)}>
                {row.label}
              </button>
            ) : (
              row.label
            )}
          </span>
          <Track from={0} to={drawn(row.value)} x={x} tone={row.tone} />
          <span className="pu-bars-value">
            {row.shown}
            {row.extra}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface TrackProps {
  from: number;
  to: number | null;
  x: (value: number) => number;
  tone?: string | undefined;
}

export function Track({ from, to, x, tone }: TrackProps) {
  const [left, right] = to === null ? [0, 0] : [Math.min(x(from), x(to)), Math.max(x(from), x(to))];
  return (
    <span className="pu-bars-track" aria-hidden="true">
      {to === null ? null : (
        <span
          className={tone && tone !== "flat" ? `pu-bar-${tone}` : ""}
          style={{ left: `${left}%`, width: `${right - left}%` }}
        />
      )}
      <span className="pu-bar-zero" style={{ left: `${x(0)}%` }} />
    </span>
  );
}
