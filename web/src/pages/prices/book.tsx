import { useState } from "react";

import { useAction, useApi } from "../../api/hooks";
import type { Book, Compared, PriceChange, VersionRates } from "../../api/schema";
import { Link } from "../../app/Link";
import { useLinkTo, useParam, useRouteParams, useView } from "../../app/state";
import { money, ratio, time } from "../../format";
import { Allowed, Badge, Button, Empty, Panel, Query, Reasoned, Select, Table, Tabs, useToast } from "../../parts";
import { Draft } from "./Draft";
import "./prices.css";

/** One price book: its versions, what changed between them, and the way of the next one into force. */
export default function BookPage() {
  const name = useRouteParams()["book"] ?? "";
  const linkTo = useLinkTo();
  const [tab, setTab] = useParam("tab", "versions");
  const found = useApi<Book>(`/prices/${encodeURIComponent(name)}`, undefined, { keep: false });
  return (
    <>
      <div className="pu-page-head">
        <h1>Price book {name}</h1>
        <Link href={linkTo("/prices")}>All price books</Link>
      </div>
      <Query of={found} height={300}>
        {(book) => (
          <Tabs
            label="About this book"
            tabs={[
              ["versions", "Versions"],
              ["rates", "Rates"],
              ["diff", "Compare"],
              ["draft", "Draft"],
            ]}
            value={tab}
            onChange={setTab}
          >
            {tab === "rates" ? <Rates of={book} /> : null}
            {tab === "diff" ? <Diff of={book} /> : null}
            {tab === "draft" ? <Draft of={book} /> : null}
            {tab === "versions" ? <Versions of={book} /> : null}
          </Tabs>
        )}
      </Query>
    </>
  );
}

type Deciding = { what: "rollback" | "approve"; version: VersionRates };

function Versions({ of }: { of: Book }) {
  const { tz } = useView();
  const [deciding, setDeciding] = useState<Deciding | null>(null);
  return (
    <Panel
      title="Versions"
      note="None ever changes; rolling back makes a new one with the old prices."
      tour="price-versions"
    >
      <Table
        caption="Versions, the latest first"
        columns={[
          { name: "version", title: "Version", head: true, cell: (row) => row.version },
          {
            name: "status",
            title: "Status",
            cell: (row) => (
              <Badge tone={row.status === "in force" ? "good" : row.status === "withdrawn" ? "flat" : "warn"}>
                {row.status}
              </Badge>
            ),
          },
          { name: "from", title: "Effective from", cell: (row) => time(row.effective_from, tz, "day") },
          { name: "to", title: "To", cell: (row) => (row.effective_to ? time(row.effective_to, tz, "day") : "no end") },
          { name: "rates", title: "Rates", number: true, cell: (row) => row.rates },
          { name: "by", title: "Approved by", cell: (row) => row.approved_by ?? "its file" },
          { name: "at", title: "At", cell: (row) => time(row.approved_at ?? row.loaded_at, tz) },
          { name: "reason", title: "Reason", cell: (row) => <span className="pu-wrap">{row.reason ?? "—"}</span> },
          {
            name: "acts",
            title: <span className="pu-hidden">Decide</span>,
            cell: (row) =>
              row.status === "in force" ? null : (
                <Button
                  onClick={() =>
                    setDeciding({ what: row.status === "awaiting approval" ? "approve" : "rollback", version: row })
                  }
                >
                  {row.status === "awaiting approval" ? "Approve" : "Roll back to this"}
                </Button>
              ),
          },
        ]}
        rows={of.versions}
        rowKey={(row) => String(row.version)}
      />
      <Allowed needs="prices:approve" what="Approving and rolling back">
        {null}
      </Allowed>
      {deciding ? <Decide book={of.book} {...deciding} onClose={() => setDeciding(null)} /> : null}
    </Panel>
  );
}

function Decide({ book, what, version, onClose }: Deciding & { book: string; onClose: () => void }) {
  const action = useAction<{ version: number }, Record<string, unknown>>("POST", `/prices/${book}/${what}`);
  const say = useToast();
  const number = version.version;
  return (
    <Reasoned
      title={what === "approve" ? `Approve version ${number}` : `Roll ${book} back to version ${number}`}
      act={what === "approve" ? "Approve" : "Roll back"}
      danger={what === "rollback"}
      action={action}
      body={(reason, form) => ({
        ...(what === "approve" ? { version: number } : { to: number }),
        reason,
        reprice_past: form.get("past") !== null,
      })}
      onClose={onClose}
      onDone={(made) => say(`Version ${made.version} of ${book} is in force.`)}
    >
      <p>{version.rates} rates come into force.</p>
      <label className="pu-check">
        <input type="checkbox" name="past" /> Also reprice usage that is past; restates figures
      </label>
    </Reasoned>
  );
}

function Rates({ of }: { of: Book }) {
  const { tz } = useView();
  const [version, setVersion] = useParam("version", String(of.in_force ?? of.versions[0]?.version ?? ""));
  const shown = of.versions.find((each) => String(each.version) === version);
  return (
    <Panel
      title="Rates"
      actions={
        <Select
          label="Version"
          value={version}
          options={of.versions.map((each) => [String(each.version), `${each.version} · ${each.status}`] as const)}
          onChange={setVersion}
        />
      }
    >
      <Table
        caption="Rates of this version"
        columns={[
          { name: "meter", title: "Meter", head: true, cell: (row) => row.meter },
          { name: "kind", title: "Kind", cell: (row) => row.kind },
          { name: "when", title: "Where", cell: (row) => where(row) },
          { name: "price", title: "Price", number: true, cell: (row) => money(row.price, row.currency) },
          { name: "per", title: "Per", number: true, cell: (row) => `${row.per} ${row.unit ?? ""}` },
          { name: "from", title: "From", cell: (row) => time(row.effective_from, tz, "day") },
          { name: "to", title: "To", cell: (row) => (row.effective_to ? time(row.effective_to, tz, "day") : "no end") },
          { name: "status", title: "Status", cell: (row) => row.status },
        ]}
        rows={shown?.listed ?? []}
        rowKey={(row) => row.rate_id}
        empty="This version has no rates."
      />
      {shown ? (
        <details>
          <summary>Its text, {shown.file}</summary>
          <pre className="pu-text" tabIndex={0} aria-label={`Text of version ${shown.version}`}>
            {shown.content}
          </pre>
        </details>
      ) : null}
    </Panel>
  );
}

function where(row: { event_type: string | null; conditions: Record<string, string> }): string {
  const said = Object.entries(row.conditions).map(([name, value]) => `${name} = ${value}`);
  return [row.event_type, ...said].filter(Boolean).join(", ") || "everywhere";
}

function Diff({ of }: { of: Book }) {
  const newest = of.versions[0]?.version ?? 1;
  const [from, setFrom] = useParam("from_version", String(of.versions[1]?.version ?? newest));
  const [to, setTo] = useParam("to_version", String(newest));
  const found = useApi<Compared>(`/prices/${of.book}/diff`, { from, to }, { enabled: from !== to });
  const versions = of.versions.map(({ version }) => [String(version), `Version ${version}`] as const);
  const drafts = of.drafts
    .filter(({ faults }) => !faults.length)
    .map(({ draft }) => [draft, `Draft ${draft}`] as const);
  const text = (name: string) =>
    of.versions.find(({ version }) => String(version) === name)?.content ??
    of.drafts.find(({ draft }) => draft === name)?.text ??
    "";
  return (
    <Panel
      title="Compare"
      tour="price-diff"
      actions={
        <>
          <Select label="From" value={from} options={versions} onChange={setFrom} />
          <Select label="To" value={to} options={[...versions, ...drafts]} onChange={setTo} />
        </>
      }
    >
      {from === to ? (
        <Empty title="Choose two">There is nothing to compare a version with but itself.</Empty>
      ) : (
        <>
          <Query of={found}>{(data) => <Changes changes={data.changes} />}</Query>
          <div className="pu-sides">
            {[from, to].map((name) => (
              <pre key={name} className="pu-text" tabIndex={0} aria-label={`Text of ${name}`}>
                {lines(text(name), text(name === from ? to : from)).map(({ line, own }, at) => (
                  <span key={at} className={own ? "pu-side-own" : undefined}>
                    {own ? (name === from ? "− " : "+ ") : "  "}
                    {line}
                    {"\n"}
                  </span>
                ))}
              </pre>
            ))}
          </div>
        </>
      )}
    </Panel>
  );
}

/** Lines of a text, and whether the other one lacks them. */
function lines(text: string, other: string): { line: string; own: boolean }[] {
  const there = new Set(other.split("\n"));
  return text.split("\n").map((line) => ({ line, own: line.trim() !== "" && !there.has(line) }));
}

/** Prices before and after, side by side. */
export function Changes({ changes }: { changes: PriceChange[] }) {
  const { tz } = useView();
  const side = (of: PriceChange["before"]) => (of === null ? "—" : `${of.price} per ${of.per}`);
  return (
    <Table
      caption="What changes, price by price"
      columns={[
        { name: "meter", title: "Meter", head: true, cell: (row) => row.meter },
        { name: "what", title: "What", cell: (row) => row.what },
        { name: "where", title: "Where", cell: (row) => where(row) },
        { name: "from", title: "From", cell: (row) => time(row.from, tz, "day") },
        { name: "to", title: "To", cell: (row) => (row.to ? time(row.to, tz, "day") : "no end") },
        { name: "before", title: "Before", number: true, cell: (row) => side(row.before) },
        { name: "after", title: "After", number: true, cell: (row) => side(row.after) },
        { name: "ratio", title: "Change", number: true, cell: (row) => ratio(row.ratio) },
      ]}
      rows={changes}
      rowKey={(row) => `${row.what} ${row.kind} ${row.meter} ${where(row)} ${row.from}`}
      empty="No price changes."
    />
  );
}
