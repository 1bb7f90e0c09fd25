import { useState } from "react";

import { useAction, useApi } from "../../api/hooks";
import type { EntryKept, Reconciled, Restatements } from "../../api/schema";
import { useView } from "../../app/state";
import { money, time } from "../../format";
import { Allowed, Badge, Button, Empty, Field, Panel, Query, Reasoned, Table, useToast } from "../../parts";
import { spoken } from "./shape";

/** What was decided, by whom and why; each decision can be taken back. */
export function Entries({ entries }: { entries: EntryKept[] }) {
  const { tz } = useView();
  const [undoing, setUndoing] = useState<EntryKept | null>(null);
  const taken = new Set(entries.map(({ reverses }) => reverses));
  const open = (row: EntryKept) => row.kind !== "reverse" && !taken.has(row.entry_id);
  return (
    <Panel title="Decisions" note="Nothing is deleted: a decision is taken back by another of the opposite amount.">
      <Table
        caption="Decisions about invoices"
        columns={[
          { name: "at", title: "When", head: true, cell: (row) => time(row.entered_at, tz, "second") },
          { name: "kind", title: "What", cell: (row) => spoken(row.kind) },
          { name: "invoice", title: "Invoice", cell: (row) => row.invoice_id },
          { name: "amount", title: "Amount", number: true, cell: (row) => money(row.amount, row.billing_currency) },
          { name: "cause", title: "Cause", cell: (row) => (row.cause ? spoken(row.cause) : "—") },
          { name: "reason", title: "Reason", cell: (row) => <span className="pu-wrap">{row.reason}</span> },
          { name: "actor", title: "By", cell: (row) => row.actor },
          {
            name: "acts",
            title: <span className="pu-hidden">Take back</span>,
            cell: (row) =>
              open(row) ? (
                <Button onClick={() => setUndoing(row)}>Take back</Button>
              ) : row.kind === "reverse" ? null : (
                "taken back"
              ),
          },
        ]}
        rows={entries}
        rowKey={(row) => String(row.entry_id)}
        empty="Nothing decided in this period."
      />
      {undoing ? <Reverse entry={undoing} onClose={() => setUndoing(null)} /> : null}
    </Panel>
  );
}

function Reverse({ entry, onClose }: { entry: EntryKept; onClose: () => void }) {
  const action = useAction<unknown, { reason: string }>("DELETE", `/reconciliation/entries/${entry.entry_id}`);
  return (
    <Reasoned
      title="Take the decision back"
      act="Take back"
      danger
      action={action}
      body={(reason) => ({ reason })}
      onClose={onClose}
    >
      <p>
        {spoken(entry.kind)} of {money(entry.amount, entry.billing_currency)} on invoice {entry.invoice_id}:{" "}
        {entry.reason}
      </p>
    </Reasoned>
  );
}

/** Locks of the period, and the way to lock it. */
export function Locks({ of }: { of: Reconciled }) {
  const { tz } = useView();
  const [locking, setLocking] = useState(false);
  const issuers = [...new Set(of.invoices.map((each) => each.invoice_issuer_name).filter((name) => name !== null))];
  const action = useAction<unknown, Record<string, unknown>>("POST", "/reconciliation/locks");
  const say = useToast();
  return (
    <Panel title="Period lock" note="Once locked, a later change is a restatement, shown with before and after.">
      {of.locks.length ? (
        <ul className="pu-plain">
          {of.locks.map((lock) => (
            <li key={lock.lock_id}>
              <Badge tone="good">Locked</Badge> {lock.invoice_issuer_name ?? "all issuers"} by {lock.actor},{" "}
              {time(lock.locked_at, tz)}: {lock.reason}
            </li>
          ))}
        </ul>
      ) : (
        <p>{of.period} is provisional.</p>
      )}
      <Allowed needs="reconciliation:decide" what="Locking a period">
        <p>
          <Button onClick={() => setLocking(true)}>Lock {of.period}</Button>
        </p>
      </Allowed>
      {locking ? (
        <Reasoned
          title={`Lock ${of.period}`}
          act="Lock the period"
          danger
          action={action}
          body={(reason, form) => ({ period: of.period, issuer: form.get("issuer") || null, reason })}
          onClose={() => setLocking(false)}
          onDone={() => say(`${of.period} is locked.`)}
        >
          <p>A lock cannot be taken away. It is refused while an invoice does not tie out.</p>
          <Field label="Issuer">
            {(control) => (
              <select {...control} name="issuer" defaultValue="">
                <option value="">All issuers</option>
                {issuers.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            )}
          </Field>
        </Reasoned>
      ) : null}
    </Panel>
  );
}

/** What has changed after a period's figures stood. */
export function Restated({ period }: { period: string }) {
  const { tz } = useView();
  const found = useApi<Restatements>("/restatements");
  return (
    <Panel title="Restatements" note="Changes of locked periods, with each figure before and after.">
      <Query of={found}>
        {({ restatements }) =>
          restatements.length === 0 ? (
            <Empty title="No restatements">No locked period has changed{period ? "" : " yet"}.</Empty>
          ) : (
            restatements.map((each) => (
              <div key={`${each.period} ${each.at} ${each.cause}`}>
                <h3>
                  {each.period}: {spoken(each.cause)}, {time(each.at, tz)}
                </h3>
                <p className="pu-hint">{each.what.join("; ")}</p>
                <Table
                  caption={`What changed in ${each.period}`}
                  columns={[
                    { name: "figure", title: "Figure", head: true, cell: (row) => `${row.name} ${spoken(row.figure)}` },
                    { name: "before", title: "Before", number: true, cell: (row) => money(row.before, row.currency) },
                    { name: "after", title: "After", number: true, cell: (row) => money(row.after, row.currency) },
                    {
                      name: "change",
                      title: "Change",
                      number: true,
                      cell: (row) => money(row.difference, row.currency),
                    },
                  ]}
                  rows={each.differences}
                  rowKey={(row) => `${row.about} ${row.name} ${row.figure} ${row.currency}`}
                />
              </div>
            ))
          )
        }
      </Query>
    </Panel>
  );
}
