import type { Series } from "./plot";
import { DASHES, colorOf } from "./theme";

/** The legend: each series by its colour and its dash. */
export function Key({ series, values }: { series: readonly Series[]; values?: readonly string[] | null }) {
  return (
    <ul className="pu-chart-key">
      {series.map((each, index) => (
        <li key={each.name}>
          <svg width="24" height="10" aria-hidden="true">
            <line
              x1="1"
              y1="5"
              x2="23"
              y2="5"
              style={{ stroke: colorOf(index, each.color) }}
              strokeWidth="2"
              strokeDasharray={DASHES[index % DASHES.length]!.join(" ")}
            />
          </svg>
          <span>{each.label}</span>
          {values ? <b>{values[index]}</b> : null}
        </li>
      ))}
    </ul>
  );
}
