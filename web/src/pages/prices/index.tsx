import { useApi } from "../../api/hooks";
import type { Books } from "../../api/schema";
import { Link } from "../../app/Link";
import { useLinkTo, useView } from "../../app/state";
import { count, time } from "../../format";
import { Badge, Empty, Panel, Query, Table } from "../../parts";

/** Which prices are in force, since when and by whose approval; and what waits. */
export default function Prices() {
  const { tz } = useView();
  const linkTo = useLinkTo();
  const found = useApi<Books>("/prices");
  return (
    <>
      <div className="pu-page-head">
        <h1>Price books</h1>
      </div>
      <Query of={found} height={300}>
        {({ books, drafts }) => (
          <div className="pu-grid">
            <Panel title="Books">
              {books.length === 0 ? (
                <Empty title="No price books">Put one into prices/ and run perunit check.</Empty>
              ) : (
                <Table
                  caption="Price books"
                  columns={[
                    {
                      name: "book",
                      title: "Book",
                      head: true,
                      cell: (row) => <Link href={linkTo(`/prices/${row.book}`)}>{row.book}</Link>,
                    },
                    { name: "kinds", title: "Prices", cell: (row) => row.kinds.join(", ") },
                    {
                      name: "version",
                      title: "In force",
                      cell: (row) =>
                        row.in_force === null ? (
                          <Badge tone="warn">none</Badge>
                        ) : (
                          <Badge tone="good">version {row.in_force}</Badge>
                        ),
                    },
                    { name: "rates", title: "Rates", number: true, cell: (row) => count(inForce(row)?.rates ?? null) },
                    { name: "from", title: "From", cell: (row) => time(inForce(row)?.effective_from, tz, "day") },
                    { name: "by", title: "Approved by", cell: (row) => inForce(row)?.approved_by ?? "its file" },
                    { name: "versions", title: "Versions", number: true, cell: (row) => row.versions.length },
                    { name: "currencies", title: "Currency", cell: (row) => row.currencies.join(", ") },
                  ]}
                  rows={books}
                  rowKey={(row) => row.book}
                />
              )}
            </Panel>
            <Panel title="Drafts" note="In prices/drafts; none of them prices anything until it is approved.">
              <Table
                caption="Drafts"
                columns={[
                  { name: "draft", title: "Draft", head: true, cell: (row) => row.draft },
                  {
                    name: "book",
                    title: "Book",
                    cell: (row) =>
                      row.book === null ? "—" : <Link href={linkTo(`/prices/${row.book}`)}>{row.book}</Link>,
                  },
                  { name: "at", title: "Changed", cell: (row) => time(row.changed_at, tz) },
                  {
                    name: "faults",
                    title: "Check",
                    cell: (row) =>
                      row.faults.length ? (
                        <Badge tone="bad">{row.faults.length} faults</Badge>
                      ) : (
                        <Badge tone="good">sound</Badge>
                      ),
                  },
                ]}
                rows={drafts}
                rowKey={(row) => row.draft}
                empty="No drafts. Open a book to write one."
              />
            </Panel>
          </div>
        )}
      </Query>
    </>
  );
}

function inForce(of: Books["books"][number]) {
  return of.versions.find(({ version }) => version === of.in_force);
}
