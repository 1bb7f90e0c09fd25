import { drawn, type Amount } from "../format";
import { extent, linear } from "./scale";
import "./charts.css";

interface SparklineProps {
  values: readonly Amount[];
  /** What it shows, where no text beside it says so. */
  label?: string;
  width?: number;
  height?: number;
  /** The last bucket is not complete yet. */
  incomplete?: boolean;
}

/** A line without axes. Unknown values are gaps. */
export function Sparkline({ values, label, width = 96, height = 28, incomplete = false }: SparklineProps) {
  const numbers = values.map(drawn);
  const last = incomplete ? numbers.length - 1 : numbers.length;
  const whole = numbers.map((each, index) => (index < last ? each : null));
  const rest = numbers.map((each, index) => (index >= last - 1 ? each : null));
  const path = pathOf(numbers, width, height);
  return (
    <svg
      className="pu-spark"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role={label ? "img" : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      <path d={path(whole)} />
      {incomplete ? <path d={path(rest)} strokeDasharray="2 2" /> : null}
    </svg>
  );
}

/** Draws any part of the values on the scale of all of them. */
export function pathOf(all: readonly (number | null)[], width: number, height: number) {
  const domain = extent(all) ?? { min: 0, max: 1 };
  const flat = domain.min === domain.max;
  const y = flat ? () => height / 2 : linear(domain, height - 2, 2);
  const x = linear({ min: 0, max: Math.max(1, all.length - 1) }, 1, width - 1);
  return (part: readonly (number | null)[]) => {
    let pen = false;
    let path = "";
    part.forEach((value, index) => {
      if (value === null) {
        pen = false;
        return;
      }
      path += `${pen ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      // A value alone between gaps would draw nothing without a line to itself.
      if (!pen && (part[index + 1] ?? null) === null) path += "h1";
      pen = true;
    });
    return path;
  };
}
