import { memo } from "react";

import { UNKNOWN, time, value } from "../format";
import { isOpen, sampled } from "./buckets";
import type { PlotLook } from "./plot";

interface DataTableProps {
  title: string;
  look: PlotLook;
  times: readonly string[];
  shown: boolean;
}

/** The chart's numbers as a table; kept for screen readers while it is not shown. */
export const DataTable = memo(function DataTable({ title, look, times, shown }: DataTableProps) {
  const { step, indexes } = sampled(times.length, shown ? 1000 : 200);
  const every = step > 1 ? `, every ${step}th bucket` : "";
  return (
    <div className={shown ? "pu-chart-table" : "pu-visually-hidden"} tabIndex={shown ? 0 : undefined}>
      <table>
        <caption>
          {title}, by {look.grain}
          {every}
        </caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {look.series.map(({ name, label }) => (
              <th scope="col" key={name}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {indexes.map((index) => (
            <tr key={times[index]}>
              <th scope="row">{time(times[index], look.tz, look.grain)}</th>
              {look.series.map((each) => (
                <td key={each.name}>{cell(each.values[index], look, isOpen(each, index))}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
});

function cell(amount: PlotLook["series"][number]["values"][number], look: PlotLook, incomplete: boolean): string {
  const text = value(amount, look.unit, look.currency);
  if (text === UNKNOWN) return "unknown";
  return incomplete ? `${text} (incomplete)` : text;
}
