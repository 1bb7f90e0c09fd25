import { useState } from "react";

import { useAction, usePermissions } from "../../api/hooks";
import type { InvoiceTied } from "../../api/schema";
import { exactly, money } from "../../format";
import { Allowed, Badge, Button, Field, Panel, Reasoned, Table, useToast } from "../../parts";
import { CAUSES, spoken, toneOf } from "./shape";

type Deciding = { kind: "accept" | "adjust"; invoice: InvoiceTied };

/** Whether each invoice is what its lines and decisions come to, and the decisions that can be made. */
export function Invoices({ invoices, tolerance }: { invoices: InvoiceTied[]; tolerance: string }) {
  const may = usePermissions().has("reconciliation:decide");
  const [deciding, setDeciding] = useState<Deciding | null>(null);
  const columns = [
    { name: "invoice", title: "Invoice", head: true, cell: (row: InvoiceTied) => row.invoice_id ?? "No invoice id" },
    { name: "issuer", title: "Issuer", cell: (row: InvoiceTied) => row.invoice_issuer_name ?? "—" },
    {
      name: "status",
      title: "Status",
      cell: (row: InvoiceTied) => <Badge tone={toneOf(row.status)}>{row.status}</Badge>,
    },
    { name: "lines", title: "Lines", number: true, cell: (row: InvoiceTied) => row.lines },
    {
      name: "billed",
      title: "Billed",
      number: true,
      cell: (row: InvoiceTied) => money(row.billed_cost, row.billing_currency),
    },
    {
      name: "entries",
      title: "Decided",
      number: true,
      cell: (row: InvoiceTied) => money(row.entries, row.billing_currency),
    },
    {
      name: "total",
      title: "Invoiced",
      number: true,
      cell: (row: InvoiceTied) => money(row.total, row.billing_currency),
    },
    {
      name: "difference",
      title: "Difference",
      number: true,
      cell: (row: InvoiceTied) => (
        <span title={row.difference ?? "unknown"}>{exactly(row.difference, 4, row.billing_currency)}</span>
      ),
    },
    {
      name: "acts",
      title: <span className="pu-hidden">Decide</span>,
      cell: (row: InvoiceTied) =>
        row.invoice_id === null ? null : (
          <span className="pu-acts">
            <Button
              disabled={row.difference === null || row.status === "ties out"}
              title={row.status === "ties out" ? "It ties out: nothing to accept" : undefined}
              onClick={() => setDeciding({ kind: "accept", invoice: row })}
            >
              Accept
            </Button>
            <Button onClick={() => setDeciding({ kind: "adjust", invoice: row })}>Adjust</Button>
          </span>
        ),
    },
  ];
  return (
    <Panel title="Tie-out" note={`Difference = billed + decided − invoiced; at most ${tolerance} ties out.`}>
      <Table
        caption="Invoices and whether they tie out"
        columns={may ? columns : columns.filter(({ name }) => name !== "acts")}
        rows={invoices}
        rowKey={(row) => `${row.invoice_issuer_name} ${row.invoice_id} ${row.billing_currency}`}
        empty="No invoices in this period; import bills and invoices first."
      />
      <Allowed needs="reconciliation:decide" what="Accepting or adjusting">
        {null}
      </Allowed>
      {deciding ? <Decide {...deciding} onClose={() => setDeciding(null)} /> : null}
    </Panel>
  );
}

function Decide({ kind, invoice, onClose }: Deciding & { onClose: () => void }) {
  const action = useAction<unknown, Record<string, unknown>>("POST", "/reconciliation/entries");
  const say = useToast();
  const shown = exactly(invoice.difference, 4, invoice.billing_currency);
  return (
    <Reasoned
      title={`${spoken(kind)} invoice ${invoice.invoice_id}`}
      act={spoken(kind)}
      action={action}
      body={(reason, form) => ({
        kind,
        invoice: invoice.invoice_id,
        issuer: invoice.invoice_issuer_name,
        currency: invoice.billing_currency,
        amount: kind === "adjust" ? String(form.get("amount")).trim() : null,
        cause: form.get("cause") || null,
        reason,
      })}
      onClose={onClose}
      onDone={() => say(`Invoice ${invoice.invoice_id}: decided and written down.`)}
    >
      <p>
        {kind === "accept"
          ? `The difference of ${shown} is taken as it is, by an entry of the opposite amount.`
          : `The difference is ${shown}. What you enter is added to the lines.`}
      </p>
      {kind === "adjust" ? (
        <Field label={`Amount in ${invoice.billing_currency}`} hint="Such as -0.03">
          {(control) => <input {...control} name="amount" inputMode="decimal" required pattern="-?[0-9]+(\.[0-9]+)?" />}
        </Field>
      ) : null}
      <Field label="Cause">
        {(control) => (
          <select {...control} name="cause" defaultValue="">
            <option value="">Not said</option>
            {CAUSES.map((cause) => (
              <option key={cause} value={cause}>
                {spoken(cause)}
              </option>
            ))}
          </select>
        )}
      </Field>
    </Reasoned>
  );
}
