import { useState, type FormEvent } from "react";

import { useAction, useApi, usePermissions } from "../../api/hooks";
import type { Key, KeyMade } from "../../api/schema";
import { useView } from "../../app/state";
import { time } from "../../format";
import { Badge, Button, Copy, Dialog, ErrorState, Field, Panel, Query, Reasoned, Table, useToast } from "../../parts";
import { rowsOf, rowsText } from "./rows";

const DAYS = [30, 90, 365] as const;

/** Programs' keys: what each may, until when, and when it was last used. */
export function Keys() {
  const { tz } = useView();
  const found = useApi<Key[]>("/keys");
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  return (
    <Panel
      title="API keys"
      note="A key may at most what who makes it may."
      actions={
        <Button kind="first" onClick={() => setMaking(true)}>
          Make a key
        </Button>
      }
    >
      <Query of={found} height={240}>
        {(keys) => (
          <Table
            caption="API keys"
            columns={[
              { name: "name", title: "Name", head: true, cell: (row) => row.name },
              { name: "prefix", title: "Begins", cell: (row) => <code>{row.prefix}…</code> },
              { name: "scopes", title: "May", cell: (row) => <span className="pu-wrap">{row.scopes.join(", ")}</span> },
              { name: "rows", title: "Sees only", cell: (row) => rowsText(row.rows) || "all rows" },
              { name: "by", title: "Made by", cell: (row) => row.made_by ?? "command line" },
              { name: "used", title: "Last used", cell: (row) => time(row.last_used_at, tz, "second") },
              { name: "until", title: "Until", cell: (row) => (row.expires_at ? time(row.expires_at, tz) : "no end") },
              { name: "state", title: "State", cell: stateOf },
              {
                name: "acts",
                title: <span className="pu-hidden">Revoke</span>,
                cell: (row) => (row.revoked_at ? null : <Button onClick={() => setRevoking(row)}>Revoke</Button>),
              },
            ]}
            rows={keys}
            rowKey={(row) => String(row.id)}
            empty="No keys. Programs that read figures or send facts need one."
          />
        )}
      </Query>
      {making ? <Make onClose={() => setMaking(false)} /> : null}
      {revoking ? <Revoke of={revoking} onClose={() => setRevoking(null)} /> : null}
    </Panel>
  );
}

function stateOf(key: Key) {
  if (key.revoked_at) return <Badge tone="bad">revoked</Badge>;
  if (key.expires_at && Date.parse(key.expires_at) <= Date.now()) return <Badge tone="warn">ended</Badge>;
  return <Badge tone="good">in use</Badge>;
}

function Make({ onClose }: { onClose: () => void }) {
  const mine = [...usePermissions()].sort();
  const action = useAction<KeyMade, Record<string, unknown>>("POST", "/keys");
  const [fault, setFault] = useState({ scopes: "", rows: "" });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const rows = rowsOf(String(form.get("rows")));
    const scopes = form.getAll("scopes");
    const wrong = {
      scopes: scopes.length ? "" : "Choose at least one.",
      rows: "fault" in rows && typeof rows.fault === "string" ? rows.fault : "",
    };
    setFault(wrong);
    if (wrong.scopes || wrong.rows) return;
    const days = Number(form.get("days"));
    action.mutate({
      name: String(form.get("name")).trim(),
      scopes,
      rows,
      expires_at: days ? new Date(Date.now() + days * 86_400_000).toISOString() : null,
    });
  };
  if (action.data)
    return (
      <Dialog open title={`Key ${action.data.name}`} onClose={onClose}>
        <div className="pu-form">
          <p>Copy it now: it is shown this once and cannot be read back.</p>
          <pre className="pu-text" tabIndex={0} aria-label="The key">
            {action.data.key}
          </pre>
          <Copy text={action.data.key} label="Copy the key" />
          <div className="pu-form-acts">
            <Button kind="first" onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <Dialog open title="Make a key" onClose={onClose}>
      <form className="pu-form" onSubmit={submit}>
        <Field label="Name" hint="What uses it">
          {(control) => <input {...control} name="name" required maxLength={100} data-first />}
        </Field>
        <fieldset className="pu-checks" aria-describedby="key-scopes">
          <legend>May</legend>
          {mine.map((scope) => (
            <label key={scope}>
              <input type="checkbox" name="scopes" value={scope} /> {scope}
            </label>
          ))}
        </fieldset>
        <p id="key-scopes" className={fault.scopes ? "pu-field-error" : "pu-hint"}>
          {fault.scopes || "As little as it needs."}
        </p>
        <Field
          label="Sees only these rows"
          hint="A dimension each line, such as plan: pro. Empty: all."
          error={fault.rows}
        >
          {(control) => <textarea {...control} name="rows" rows={2} />}
        </Field>
        <Field label="Ends">
          {(control) => (
            <select {...control} name="days" defaultValue="90">
              {DAYS.map((days) => (
                <option key={days} value={days}>
                  in {days} days
                </option>
              ))}
              <option value="0">never</option>
            </select>
          )}
        </Field>
        {action.isError ? <ErrorState error={action.error} /> : null}
        <div className="pu-form-acts">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="first" disabled={action.isPending}>
            Make the key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Revoke({ of, onClose }: { of: Key; onClose: () => void }) {
  const action = useAction<unknown, undefined>("DELETE", `/keys/${of.id}`);
  const say = useToast();
  return (
    <Reasoned
      title={`Revoke ${of.name}`}
      act="Revoke for good"
      danger
      reason={false}
      action={action}
      body={() => undefined}
      onClose={onClose}
      onDone={() => say(`${of.name} opens nothing any more.`)}
    >
      <p>Programs that use it are refused within two seconds. It cannot be taken back.</p>
    </Reasoned>
  );
}
