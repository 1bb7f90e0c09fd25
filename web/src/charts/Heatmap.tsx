import { drawn, type Amount } from "../format";
import { extent } from "./scale";
import "./charts.css";

interface HeatmapProps {
  title: string;
  rows: readonly string[];
  columns: readonly string[];
  /** By row, then column. */
  values: readonly (readonly Amount[])[];
  show: (value: Amount) => string;
  rowTitle?: string;
}

/** A table whose cells are shaded by size: the number stays in each, so shade alone says nothing. */
export function Heatmap({ title, rows, columns, values, show, rowTitle = "" }: HeatmapProps) {
  const domain = extent(values.flat().map(drawn)) ?? { min: 0, max: 1 };
  return (
    <div className="pu-heat-scroll" tabIndex={0} role="group" aria-label={title}>
      <table className="pu-heat">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">{rowTitle}</th>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={row}>
              <th scope="row">{row}</th>
              {columns.map((column, index) => {
                const value = values[at]?.[index];
                const number = drawn(value);
                return (
                  <td
                    key={column}
                    title={`${row}, ${column}: ${show(value)}`}
                    style={{ background: shade(number, domain) }}
                  >
                    {show(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Up to 45 % of the tone over the surface: text on it keeps its contrast. */
export function shade(value: number | null, domain: { min: number; max: number }): string {
  if (value === null) return "transparent";
  const most = Math.max(Math.abs(domain.min), Math.abs(domain.max)) || 1;
  const part = Math.round((Math.abs(value) / most) * 45);
  return `color-mix(in srgb, ${value < 0 ? "var(--bad)" : "var(--s1)"} ${part}%, var(--surface))`;
}
