import { useApi } from "../../api/hooks";
import { Link } from "../../app/Link";
import { useLinkTo } from "../../app/state";
import { money } from "../../format";
import { Badge, Panel, Query, Table } from "../../parts";
import type { Periods as PeriodList } from "../../api/schema";

type Period = PeriodList["periods"][number];

/** Whether costs are final: each month's bills against its invoices. */
export function Periods() {
  const linkTo = useLinkTo();
  const periods = useApi<PeriodList>("/reconciliation/periods");
  return (
    <Panel
      title="Reconciliation"
      note="Whether each month's bills tie out with its invoices"
      className="pu-half"
      actions={<Link href={linkTo("/reconciliation")}>Open</Link>}
    >
      <Query of={periods} height={160}>
        {(answer) => (
          <Table<Period>
            caption="Reconciliation by month"
            rows={answer.periods}
            rowKey={({ period }) => period}
            empty="No bills yet."
            columns={[
              { name: "period", title: "Month", head: true, cell: ({ period }) => period },
              {
                name: "verdict",
                title: "Verdict",
                cell: ({ verdict }) => <Badge tone={verdict === "ties out" ? "good" : "warn"}>{verdict}</Badge>,
              },
              {
                name: "difference",
                title: "Difference",
                number: true,
                cell: ({ totals }) => totals.map((each) => money(each.difference, each.currency)).join(", "),
              },
              {
                name: "status",
                title: "Status",
                cell: ({ status }) => <Badge tone={status === "closed" ? "good" : "info"}>{status}</Badge>,
              },
            ]}
          />
        )}
      </Query>
    </Panel>
  );
}
