import { useState } from "react";

import { useApi } from "../../api/hooks";
import { Link } from "../../app/Link";
import { useLinkTo, useProject, useRouteParams, useView } from "../../app/state";
import { Bridge } from "../../charts";
import { count, exactly, quantity, time } from "../../format";
import { Button, Panel, Query, Table } from "../../parts";
import { LookUp } from "./LookUp";
import { Erase } from "./Erase";
import { Reveal } from "./Reveal";
import type { Receipt } from "./shape";
import { Till } from "./Till";
import { placesIn, sectionsOf, stepsOf, usageOf } from "./till";
import { Trace } from "./Trace";
import "./units.css";

/** All that makes up one unit's margin: events, prices, cost lines, bills. */
export default function ReceiptPage() {
  const { type = "", id = "" } = useRouteParams();
  const receipt = useApi<Receipt>(`/units/${encodeURIComponent(type)}/${encodeURIComponent(id)}`);
  if (receipt.isError && receipt.error.status === 404)
    return (
      <>
        <div className="pu-page-head">
          <h1>No such {type}</h1>
        </div>
        <Panel title="Look up another" note={receipt.error.detail}>
          <LookUp type={type} />
        </Panel>
      </>
    );
  return (
    <>
      {/* A page has its name before it has its figures, and where they are not for its viewer. */}
      {receipt.data === undefined ? (
        <h1>
          {type} <span className="pu-unit-id">{id}</span>
        </h1>
      ) : null}
      <Query of={receipt} height={600}>
        {(found) => <Shown key={`${type}/${id}`} receipt={found} type={type} id={id} />}
      </Query>
    </>
  );
}

function Shown({ receipt, type, id }: { receipt: Receipt; type: string; id: string }) {
  const { tz } = useView();
  const linkTo = useLinkTo();
  const masked = useProject().pseudonymized.includes(type);
  const [revealed, setRevealed] = useState<string | null>(null);
  const steps = stepsOf(receipt);
  return (
    <>
      <div className="pu-unit-head">
        <h1>
          {type} <span className="pu-unit-id">{revealed ?? id}</span>
        </h1>
        <div className="pu-unit-acts">
          {masked ? <Reveal type={type} id={id} revealed={revealed} onRevealed={setRevealed} /> : null}
          {masked ? <Erase type={type} id={id} /> : null}
          <Button onClick={() => window.print()}>Print</Button>
          <Link href={linkTo(`/units/${encodeURIComponent(type)}`)}>Every {type}</Link>
        </div>
      </div>
      <div className="pu-unit">
        <Till receipt={receipt} id={revealed ?? id} tz={tz} />
        <div className="pu-unit-side">
          <Panel title="From revenue to margin" tour="receipt-bridge">
            <Bridge
              title="From revenue to margin"
              before={steps.before}
              beforeTitle="Gross revenue"
              after={steps.after}
              afterTitle={steps.afterTitle}
              steps={steps.steps}
              currency={receipt.currency}
            />
          </Panel>
          <Panel title="What happened, and how long it took" note={`${count(receipt.events.length)} events`}>
            <Trace events={receipt.events} tz={tz} />
          </Panel>
          <Use receipt={receipt} />
          <RelatedUnits receipt={receipt} />
        </div>
      </div>
      <Lines receipt={receipt} tz={tz} />
    </>
  );
}

function Use({ receipt }: { receipt: Receipt }) {
  const used = usageOf(receipt);
  if (used.length === 0) return null;
  return (
    <Panel title="What it used">
      <Table
        caption="Quantities by meter"
        rows={used}
        rowKey={({ meter }) => meter}
        columns={[
          { name: "meter", title: "Meter", head: true, cell: ({ meter }) => meter },
          { name: "quantity", title: "Quantity", number: true, cell: (row) => quantity(row.quantity, row.unit) },
          { name: "lines", title: "Lines", number: true, cell: ({ lines }) => count(lines) },
        ]}
      />
    </Panel>
  );
}

function RelatedUnits({ receipt }: { receipt: Receipt }) {
  const linkTo = useLinkTo();
  const related = [...receipt.parents, ...receipt.children];
  if (related.length === 0) return null;
  return (
    <Panel title="Units on the same events">
      <ul className="pu-unit-related">
        {related.map(({ unit_type, unit_key, events }) => (
          <li key={`${unit_type}/${unit_key}`}>
            {unit_type}{" "}
            <Link
              className="pu-unit-id"
              href={linkTo(`/units/${encodeURIComponent(unit_type)}/${encodeURIComponent(unit_key)}`)}
            >
              {unit_key}
            </Link>{" "}
            <span className="pu-hint">{count(events)} events</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

interface Row {
  key: string;
  section: string;
  what: string;
  how: string;
  word: string | undefined;
  amount: string | null;
}

/** The till's lines as a table: to sort through, copy and print. */
function Lines({ receipt, tz }: { receipt: Receipt; tz: string }) {
  const places = placesIn(receipt);
  const rows: Row[] = sectionsOf(receipt, tz).flatMap(({ title, lines }) =>
    lines.map(({ key, what, how, word, amount }) => ({ key, section: title, what, how: how ?? "", word, amount })),
  );
  return (
    <Panel
      title="Every line"
      note={`Opened ${time(receipt.opened_at, tz)}; amounts in ${receipt.currency}`}
      className="pu-unit-lines"
    >
      <Table<Row>
        caption="Lines of the receipt"
        rows={rows}
        rowKey={({ key }) => key}
        columns={[
          { name: "section", title: "Of", cell: ({ section }) => section },
          { name: "what", title: "Line", head: true, cell: ({ what }) => what },
          {
            name: "amount",
            title: "Amount",
            number: true,
            cell: ({ amount, word }) => word ?? exactly(amount, places, receipt.currency),
          },
          { name: "how", title: "Price or basis", cell: ({ how }) => how },
        ]}
        empty="No line of money yet."
      />
    </Panel>
  );
}
