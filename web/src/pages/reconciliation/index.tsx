import { useApi } from "../../api/hooks";
import type { Periods, Reconciled } from "../../api/schema";
import { useParam } from "../../app/state";
import { money, ratio } from "../../format";
import { Badge, Empty, Kpi, Query, Select } from "../../parts";
import { Bridges, Scores, Unmatched, Variance } from "./Costs";
import { Invoices } from "./Invoices";
import { Entries, Locks, Restated } from "./Log";
import { toneOf } from "./shape";

/** Whether what was computed is what was billed, and what is decided where it is not. */
export default function Reconciliation() {
  const periods = useApi<Periods>("/reconciliation/periods");
  const [period, setPeriod] = useParam("period");
  const known = periods.data?.periods ?? [];
  const shown = period || known[0]?.period || "";
  const found = useApi<Reconciled>("/reconciliation", { period: shown }, { enabled: shown !== "" });
  return (
    <>
      <div className="pu-page-head">
        <h1>Reconciliation</h1>
        {known.length ? (
          <Select
            label="Period"
            value={shown}
            options={known.map((each) => [each.period, `${each.period}, ${each.verdict}`] as const)}
            onChange={setPeriod}
          />
        ) : null}
      </div>
      <Query of={periods}>
        {() =>
          shown === "" ? (
            <Empty title="No bills yet">Import a bill and its invoice; then it is shown whether they tie out.</Empty>
          ) : (
            <Query of={found} height={480}>
              {(data) => (
                <div className="pu-grid">
                  <Tiles of={data} />
                  <Invoices invoices={data.invoices} tolerance={data.tolerance} />
                  <div className="pu-half">
                    <Bridges of={data} />
                  </div>
                  <div className="pu-half">
                    <Scores of={data} />
                  </div>
                  <Variance of={data} />
                  <Unmatched period={data.period} />
                  <Entries entries={data.entries} />
                  <div className="pu-half">
                    <Locks of={data} />
                  </div>
                  <div className="pu-half">
                    <Restated period={data.period} />
                  </div>
                </div>
              )}
            </Query>
          )
        }
      </Query>
    </>
  );
}

function Tiles({ of }: { of: Reconciled }) {
  return (
    <div className="pu-tiles">
      <Kpi title="Verdict" value={<Badge tone={toneOf(of.verdict)}>{of.verdict}</Badge>} />
      <Kpi title="Figures are" value={<Badge tone={toneOf(of.status)}>{of.status}</Badge>} />
      {of.scores.map((score) => (
        <Kpi
          key={score.currency}
          title={`Reconciliation score, ${score.currency}`}
          value={ratio(score.reconciliation_score)}
        />
      ))}
      {of.bridges.map((bridge) => (
        <Kpi
          key={bridge.currency}
          title={`${bridge.is_invoiced ? "Invoiced" : "Billed"}, ${bridge.currency}`}
          value={money(bridge.end, bridge.currency)}
        />
      ))}
    </div>
  );
}
