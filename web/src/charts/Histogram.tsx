import { useRef } from "react";

import { count } from "../format";
import { useRoving } from "./roving";
import { extent, linear, nice, tickLabel, ticksOf } from "./scale";
import { useWidth } from "./theme";
import "./charts.css";

export interface HistogramBucket {
  /** What falls into it: "≤ 5 s". */
  label: string;
  count: number;
}

interface HistogramProps {
  title: string;
  buckets: readonly HistogramBucket[];
  /** What is counted: events. */
  unit: string;
  height?: number;
}

const LEFT = 48;
const BOTTOM = 22;

/** Upright bars that touch; each can be focused and says its range and count. */
export function Histogram({ title, buckets, unit, height = 180 }: HistogramProps) {
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const mark = useRoving<SVGGElement>(buckets.length);
  const domain = nice(extent(buckets.map((each) => each.count)), 4, true);
  const ticks = ticksOf(domain, 4);
  const y = linear(domain, height - BOTTOM, 8);
  const slot = Math.max(0, width - LEFT - 8) / Math.max(1, buckets.length);
  const every = Math.max(1, Math.ceil(58 / Math.max(1, slot)));
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : 1;
  return (
    <div ref={host} style={{ minHeight: height }}>
      {width > 0 ? (
        <svg className="pu-hist" height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={title}>
          {ticks.map((tick) => (
            <g key={tick} aria-hidden="true">
              <line x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
              <text x={LEFT - 6} y={y(tick) + 4} textAnchor="end">
                {tickLabel(tick, "count", step)}
              </text>
            </g>
          ))}
          {buckets.map((bucket, index) => {
            const said = `${bucket.label}: ${count(bucket.count)} ${unit}`;
            const left = LEFT + index * slot;
            return (
              <g key={bucket.label} role="img" aria-label={said} {...mark(index)}>
                <title>{said}</title>
                {/* The whole column takes the pointer, however short its bar. */}
                <rect x={left} y={0} width={slot} height={height - BOTTOM} style={{ fill: "transparent" }} />
                <rect
                  x={left + 1}
                  width={Math.max(1, slot - 2)}
                  y={Math.min(y(bucket.count), height - BOTTOM - (bucket.count ? 1 : 0))}
                  height={Math.max(bucket.count ? 1 : 0, y(0) - y(bucket.count))}
                />
                {index % every === 0 ? (
                  <text x={left + slot / 2} y={height - 6} textAnchor="middle" aria-hidden="true">
                    {bucket.label}
                  </text>
                ) : null}
              </g>
            );
          })}
        </svg>
      ) : null}
    </div>
  );
}
