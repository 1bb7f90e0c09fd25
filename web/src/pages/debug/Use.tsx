import { useState } from "react";

import { useApi } from "../../api/hooks";
import { Link } from "../../app/Link";
import { useLinkTo, useView } from "../../app/state";
import { count, money, quantity } from "../../format";
import { Button, Panel, Query, Table } from "../../parts";
import type { UnitLine, Units as UnitList } from "../../api/schema";
import type { Receipt } from "../units/shape";
import { usageOf } from "../units/till";

/** What the costliest units used, meter by meter. */
export function Use() {
  const view = useView();
  const [open, setOpen] = useState<string | null>(null);
  const page = useApi<UnitList>(`/units/${encodeURIComponent(view.unit)}`, {
    order: "-cost",
    from: view.from,
    to: view.to,
    filter: view.filters,
    limit: 10,
  });
  return (
    <Panel title={`Resource use by ${view.unit}`} note="The costliest first; open one for its meters" tour="use">
      <Query of={page} height={300}>
        {({ units, currency }) => (
          <Table<UnitLine>
            caption={`The costliest of every ${view.unit}`}
            rows={units}
            rowKey={({ id }) => id}
            under={(row) => (row.id === open ? <Meters type={view.unit} id={row.id} /> : null)}
            columns={[
              { name: "id", title: view.unit, head: true, cell: ({ id }) => <Key type={view.unit} id={id} /> },
              { name: "cost", title: "Cost", number: true, cell: (row) => money(row.cost, currency) },
              { name: "attempts", title: "Attempts", number: true, cell: (row) => count(row.attempts) },
              {
                name: "use",
                title: "Use",
                cell: ({ id }) => (
                  <Button kind="quiet" aria-expanded={open === id} onClick={() => setOpen(open === id ? null : id)}>
                    {open === id ? "Hide" : "Show"} meters
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Query>
    </Panel>
  );
}

function Key({ type, id }: { type: string; id: string }) {
  const linkTo = useLinkTo();
  return (
    <Link className="pu-unit-id" href={linkTo(`/units/${encodeURIComponent(type)}/${encodeURIComponent(id)}`)}>
      {id}
    </Link>
  );
}

function Meters({ type, id }: { type: string; id: string }) {
  const receipt = useApi<Receipt>(`/units/${encodeURIComponent(type)}/${encodeURIComponent(id)}`);
  return (
    <Query of={receipt} height={80}>
      {(found) => (
        <Table
          caption={`What ${id} used`}
          rows={usageOf(found)}
          rowKey={({ meter }) => meter}
          empty="It used nothing that is measured."
          columns={[
            { name: "meter", title: "Meter", head: true, cell: ({ meter }) => meter },
            { name: "quantity", title: "Quantity", number: true, cell: (row) => quantity(row.quantity, row.unit) },
            { name: "lines", title: "Lines", number: true, cell: ({ lines }) => count(lines) },
          ]}
        />
      )}
    </Query>
  );
}
