import { useEffect, useState } from "react";

import { useApi } from "../../api/hooks";
import { Link } from "../../app/Link";
import { useGo, useLinkTo, useParam, useProject, useRouteParams, useView } from "../../app/state";
import { count, money, time } from "../../format";
import { Button, Panel, Query, Select, Table, type Column } from "../../parts";
import { LookUp } from "./LookUp";
import type { UnitLine, Units as UnitList } from "../../api/schema";
import "./units.css";

/** Units one by one, those that lose most first; each leads to its receipt. */
export default function Units() {
  const view = useView();
  const project = useProject();
  const go = useGo();
  const linkTo = useLinkTo();
  const type = useRouteParams()["type"] ?? view.unit;
  return (
    <>
      <div className="pu-page-head">
        <h1>Units</h1>
        <p className="pu-hint">Each {type} with what it earned and cost, the one that loses most first</p>
      </div>
      <div className="pu-grid">
        <Panel title="Look up" note="By its id, as your services know it" tour="lookup">
          <LookUp type={type} />
        </Panel>
        <Panel
          title={`Every ${type}`}
          tour="units"
          note="Costs at list prices and what bills charge it directly; the receipt has its share of bills too"
          actions={
            <Select
              label="Unit"
              value={type}
              options={project.units.map(({ name }) => [name, name] as const)}
              onChange={(name) => go(linkTo(`/units/${encodeURIComponent(name)}`, { unit: name }))}
            />
          }
        >
          <Listing key={type} type={type} />
        </Panel>
      </div>
    </>
  );
}

function Listing({ type }: { type: string }) {
  const view = useView();
  const [order, setOrder] = useParam("order", "margin");
  const [after, setAfter] = useState<string[]>([]);
  const asked = [type, order, view.from, view.to, ...view.filters].join("\n");
  // Another question begins at its first page.
  useEffect(() => setAfter([]), [asked]);
  const page = useApi<UnitList>(`/units/${encodeURIComponent(type)}`, {
    order,
    from: view.from,
    to: view.to,
    filter: view.filters,
    after: after.at(-1),
    limit: 25,
  });
  return (
    <Query of={page} height={420}>
      {({ units, currency, next, notes }) => (
        <>
          <Rows type={type} currency={currency} units={units} order={order} onOrder={setOrder} />
          <div className="pu-units-pages">
            <Button disabled={after.length === 0} onClick={() => setAfter(after.slice(0, -1))}>
              Before
            </Button>
            <span>Page {count(after.length + 1)}</span>
            <Button disabled={!next} onClick={() => next && setAfter([...after, next])}>
              Next
            </Button>
          </div>
          {notes?.map((note) => (
            <p key={note} className="pu-hint">
              {note}
            </p>
          ))}
        </>
      )}
    </Query>
  );
}

interface RowsProps {
  type: string;
  currency: string;
  units: readonly UnitLine[];
  order: string;
  onOrder: (order: string) => void;
}

function Rows({ type, currency, units, order, onOrder }: RowsProps) {
  return (
    <Table<UnitLine>
      caption={`Every ${type}`}
      columns={useColumns(type, currency)}
      rows={units}
      rowKey={({ id }) => id}
      sort={order}
      onSort={onOrder}
      empty={`No ${type} in this range and with these filters.`}
    />
  );
}

function useColumns(type: string, currency: string): Column<UnitLine>[] {
  const { tz } = useView();
  const linkTo = useLinkTo();
  const amount = (name: "revenue" | "cost" | "margin", title: string): Column<UnitLine> => ({
    name,
    title,
    number: true,
    sortable: true,
    cell: (row) => (
      <span className={row[name]?.startsWith("-") ? "pu-negative" : undefined}>{money(row[name], currency)}</span>
    ),
  });
  return [
    {
      name: "id",
      title: type,
      head: true,
      sortable: true,
      cell: ({ id }) => (
        <Link className="pu-unit-id" href={linkTo(`/units/${encodeURIComponent(type)}/${encodeURIComponent(id)}`)}>
          {id}
        </Link>
      ),
    },
    amount("margin", "Margin"),
    amount("revenue", "Revenue"),
    amount("cost", "Cost"),
    {
      name: "attempts",
      title: "Succeeded",
      number: true,
      cell: ({ attempts, successes }) => (attempts ? `${count(successes)} of ${count(attempts)}` : "no attempts"),
    },
    {
      name: "segments",
      title: "Segments",
      cell: ({ segments }) =>
        Object.values(segments)
          .map((value) => value ?? "unknown")
          .join(" · "),
    },
    { name: "last_event", title: "Last event", sortable: true, cell: (row) => time(row.last_event, tz, "second") },
  ];
}
