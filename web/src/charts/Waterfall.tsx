import type { ReactNode } from "react";

import { duration } from "../format";
import { useRoving } from "./roving";
import { linear } from "./scale";
import "./charts.css";

export interface TraceRow {
  key: string;
  label: string;
  /** Seconds from any common start. */
  start: number;
  /** Null where how long it took is unknown: then a moment is drawn. */
  seconds: number | null;
  shown: ReactNode;
  bad?: boolean;
  title?: string;
}

interface WaterfallProps {
  title: string;
  rows: readonly TraceRow[];
}

/** What happened when, and how long it took: one row each, on one axis of time. */
export function Waterfall({ title, rows }: WaterfallProps) {
  const mark = useRoving<HTMLLIElement>(rows.length);
  const { from, to } = reach(rows);
  const x = linear({ min: from, max: to }, 0, 100);
  return (
    <div>
      {rows.length > 1 || rows.some(({ seconds }) => seconds !== null) ? (
        <div className="pu-trace-axis" aria-hidden="true">
          <div>
            <span>0</span>
            <span>{duration((to - from) / 2)}</span>
            <span>{duration(to - from)}</span>
          </div>
        </div>
      ) : null}
      <ol className="pu-trace" aria-label={title}>
        {rows.map((row, index) => {
          const left = x(row.start);
          const moment = row.seconds === null;
          const width = moment ? undefined : `${Math.max(0, x(row.start + row.seconds!) - left)}%`;
          const look = [row.bad ? "pu-bar-bad" : "", moment ? "pu-trace-moment" : ""].join(" ").trim();
          return (
            <li key={row.key} title={row.title ?? row.label} {...mark(index)}>
              <span>{row.label}</span>
              <span className="pu-trace-track" aria-hidden="true">
                <span className={look} style={{ left: `min(${left}%, calc(100% - 3px))`, width }} />
              </span>
              <span>{row.shown}</span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** From the first start to the last end; never empty. */
export function reach(rows: readonly TraceRow[]): { from: number; to: number } {
  if (rows.length === 0) return { from: 0, to: 1 };
  const from = Math.min(...rows.map(({ start }) => start));
  const to = Math.max(...rows.map(({ start, seconds }) => start + (seconds ?? 0)));
  return { from, to: to > from ? to : from + 1 };
}
