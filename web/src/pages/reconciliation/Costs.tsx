import type { Charges, Reconciled, VarianceSum } from "../../api/schema";
import { Bridge, Heatmap } from "../../charts";
import { drawn, money, ratio } from "../../format";
import { Empty, ErrorState, More, Panel, Skeleton, Table } from "../../parts";
import { usePaged } from "../paged";
import { spoken } from "./shape";

/** From what usage came to at the price books, step by step, to what was invoiced. */
export function Bridges({ of }: { of: Reconciled }) {
  return (
    <Panel title="Computed to invoiced" note="Steps that are nothing are left out.">
      {of.bridges.length === 0 ? <Empty title="No bills in this period" /> : null}
      {of.bridges.map((bridge) => (
        <Bridge
          key={bridge.currency}
          title={`Computed cost to invoiced cost, ${bridge.currency}`}
          before={bridge.computed}
          after={bridge.end}
          beforeTitle="Computed"
          afterTitle={bridge.is_invoiced ? "Invoiced" : "Billed"}
          steps={bridge.steps
            .filter((step) => drawn(step.amount) !== 0)
            .map((step) => ({ ...step, title: spoken(step.name) }))}
          currency={bridge.currency}
          good="down"
        />
      ))}
    </Panel>
  );
}

/** What of each service's cost has a bearer. */
export function Scores({ of }: { of: Reconciled }) {
  return (
    <Panel title="Score by service" note="The part of what was charged that somebody bears.">
      <Table
        caption="Reconciliation score by service"
        columns={[
          { name: "service", title: "Service", head: true, cell: (row) => row.service_name ?? "—" },
          { name: "account", title: "Account", cell: (row) => row.cloud_account ?? "—" },
          { name: "cost", title: "Charged", number: true, cell: (row) => money(row.source_cost, row.currency) },
          { name: "gap", title: "Gap", number: true, cell: (row) => money(row.gap, row.currency) },
          { name: "score", title: "Score", number: true, cell: (row) => ratio(row.score) },
        ]}
        rows={of.scores.flatMap(({ costs }) => costs)}
        rowKey={(row) => `${row.service_name} ${row.cloud_account} ${row.currency}`}
      />
    </Panel>
  );
}

/** Billed less estimated of each, the largest first. */
function VarianceTable({ by, none, rows }: { by: string; none: string; rows: VarianceSum[] }) {
  return (
    <Panel className="pu-half" title={`Variance by ${by}`} note="Billed − estimated.">
      <Table
        caption={`Variance by ${by}`}
        columns={[
          { name: by, title: spoken(by), head: true, cell: (row: VarianceSum) => row.key ?? none },
          { name: "billed", title: "Billed", number: true, cell: (row) => money(row.billed, row.currency) },
          { name: "estimated", title: "Estimated", number: true, cell: (row) => money(row.estimated, row.currency) },
          { name: "variance", title: "Variance", number: true, cell: (row) => money(row.variance, row.currency) },
        ]}
        rows={rows}
        rowKey={(row) => `${row.key} ${row.currency}`}
      />
    </Panel>
  );
}

/** Billed less estimated: by service, by meter, and by day and cause. */
export function Variance({ of }: { of: Reconciled }) {
  const currency = of.variance_by_day[0]?.currency ?? "";
  const days = of.variance_by_day
    .filter((row) => row.currency === currency)
    .sort((a, b) => (a.key ?? "").localeCompare(b.key ?? ""));
  const causes = [...new Set(days.flatMap(({ parts }) => Object.keys(parts)))].filter((cause) =>
    days.some(({ parts }) => drawn(parts[cause] ?? null)),
  );
  return (
    <>
      <VarianceTable by="service" none="On no bill" rows={of.variance_by_service} />
      <VarianceTable by="meter" none="No meter" rows={of.variance_by_meter} />
      <Panel title="Variance by day and cause">
        {days.length === 0 ? (
          <Empty title="No priced meters on these bills" />
        ) : (
          <Heatmap
            title={`Variance by day and cause, ${currency}`}
            rowTitle="Day"
            rows={days.map(({ key }) => key ?? "Whole period")}
            columns={[...causes.map(spoken), "In all"]}
            values={days.map((row) => [...causes.map((cause) => row.parts[cause] ?? null), row.variance])}
            show={(value) => money(value, currency, { compact: true })}
          />
        )}
      </Panel>
    </>
  );
}

/** Lines of bills that no rule finds a bearer of. */
export function Unmatched({ period }: { period: string }) {
  const found = usePaged<Charges>("/charges", { period, unmatched: true });
  const pages = found.data;
  return (
    <Panel title="Unmatched lines" note="No allocation rule finds who bears them.">
      {found.isError && !pages ? <ErrorState error={found.error} onRetry={() => void found.refetch()} /> : null}
      {found.isPending ? <Skeleton /> : null}
      {pages ? (
        <>
          <p>
            {pages[0]!.totals
              .map(
                (sum) =>
                  `${sum["lines"]} ${sum["lines"] === 1 ? "line" : "lines"}, ${money(sum["effective_cost"] as string, sum["currency"] as string)}`,
              )
              .join("; ") || "None."}
          </p>
          <Table
            caption="Unmatched lines of bills"
            columns={[
              {
                name: "what",
                title: "Line",
                head: true,
                cell: (row) => row.charge_description ?? row.sku_id ?? `Line ${row.line}`,
              },
              { name: "service", title: "Service", cell: (row) => row.service_name ?? "—" },
              { name: "resource", title: "Resource", cell: (row) => row.resource_id ?? "—" },
              { name: "from", title: "From", cell: (row) => row.charge_period_start.slice(0, 10) },
              {
                name: "cost",
                title: "Cost",
                number: true,
                cell: (row) => money(row.effective_cost, row.billing_currency),
              },
              { name: "why", title: "Why", cell: (row) => row.reasons.join(", ") },
            ]}
            rows={pages.flatMap(({ charges }) => charges)}
            rowKey={(row) => `${row.bill_id} ${row.line}`}
            empty="Every line has a bearer."
          />
          <More
            shown={pages.flatMap(({ charges }) => charges).length}
            onMore={found.hasNextPage ? () => void found.fetchNextPage() : null}
          />
        </>
      ) : null}
    </Panel>
  );
}
