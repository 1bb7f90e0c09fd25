import { drawn, type Amount } from "../format";
import { extent, linear } from "./scale";
import "./charts.css";

interface IntervalProps {
  value: Amount;
  low: Amount;
  high: Amount;
  /** The scale that neighbours share. */
  domain?: { min: number; max: number };
  /** The same in words: "$1.20, between $0.90 and $1.50". */
  label: string;
  width?: number;
}

/** An estimate and what it lies between. */
export function Interval({ value, low, high, domain, label, width = 120 }: IntervalProps) {
  const [at, from, to] = [drawn(value), drawn(low), drawn(high)];
  const scale = linear(domain ?? extent([0, at, from, to])!, 6, width - 6);
  return (
    <svg className="pu-interval" width={width} height={20} role="img" aria-label={label} tabIndex={0}>
      <title>{label}</title>
      <line className="pu-interval-zero" x1={scale(0)} x2={scale(0)} y1={2} y2={18} />
      {from !== null && to !== null ? (
        <>
          <line x1={scale(from)} x2={scale(to)} y1={10} y2={10} />
          <line x1={scale(from)} x2={scale(from)} y1={6} y2={14} />
          <line x1={scale(to)} x2={scale(to)} y1={6} y2={14} />
        </>
      ) : null}
      {at !== null ? <circle cx={scale(at)} cy={10} r={4} /> : null}
    </svg>
  );
}
