import { useFigures, usePermissions } from "../../api/hooks";
import { withFilter } from "../../app/filters";
import { Link } from "../../app/Link";
import { useLinkTo, type View } from "../../app/state";
import { Bars } from "../../charts";
import { delta, money } from "../../format";
import { amount, figuresAt } from "../answers";
import { driversQuestion } from "./questions";
import { Shown } from "../../parts";

// Where the answer of what is compared is, which may be less than what is shown.
const CHANGES = 1;

/** What one segment's usage costs by meter, and the way on to where it is worked on. */
export function Drivers({ view, dimension, segment }: { view: View; dimension: string; segment: string }) {
  const filters = withFilter(view.filters, { dimension, exclude: false, values: [segment] });
  const found = useFigures([
    driversQuestion({ ...view.question, compare: "off" }, filters),
    ...(view.compared ? [driversQuestion(view.compared, filters)] : []),
  ]);
  const compared = figuresAt(found.data, CHANGES)?.rows;
  const may = usePermissions();
  const linkTo = useLinkTo();
  // The range as it is now: a page has a range of its own where the link has none.
  const on = { f: filters, ...(view.range === "custom" ? {} : { range: view.range }) };
  return (
    <div className="pu-drivers">
      <h3>
        Cost drivers of {dimension} {segment || "unknown"}
      </h3>
      <Shown of={found} at={0} height={120}>
        {(figures) => (
          <Bars
            title={`Usage cost of ${segment || "unknown"} by meter`}
            rows={figures.rows.map((row) => {
              const cost = amount(row["usage_cost"]);
              const both = compared?.find(({ meter }) => meter === row["meter"]) ?? {};
              const [now, before] = [amount(both["usage_cost"]), amount(both["usage_cost_before"])];
              const change = delta({ now, before, unit: "money", good: "down", currency: figures.currency });
              return {
                key: String(row["meter"] ?? ""),
                label: String(row["meter"] ?? "unknown"),
                value: cost,
                shown: money(cost, figures.currency),
                extra: compared ? <span className={`pu-delta pu-delta-${change.tone}`}> {change.text}</span> : null,
              };
            })}
          />
        )}
      </Shown>
      <p className="pu-drivers-on">
        <Link href={linkTo("/executive", { ...on, by: dimension })}>Only this segment</Link>
        <Link href={linkTo("/oncall", on)}>On-call</Link>
        <Link href={linkTo("/debug", on)}>Debug</Link>
        {may.has("units:read") ? (
          <Link href={linkTo(`/units/${encodeURIComponent(view.unit)}`, on)}>Its units and receipts</Link>
        ) : null}
      </p>
    </div>
  );
}
