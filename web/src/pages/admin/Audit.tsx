import { useState } from "react";

import { useApi } from "../../api/hooks";
import { useParam, useView } from "../../app/state";
import { count, time } from "../../format";
import { Badge, Button, ErrorState, Field, More, Panel, Skeleton, Table } from "../../parts";
import { usePaged } from "../paged";

interface Line {
  seq: number;
  at: string;
  actor: string;
  via: string;
  action: string;
  target: string;
  details: Record<string, unknown>;
  address: string | null;
  hash: string;
}

interface Page {
  entries: Line[];
  next: string | null;
}

interface State {
  intact: boolean;
  entries: number;
  head: { seq: number; hash: string };
  broken_seq: number | null;
  fault: string | null;
}

/** Who did or saw what, in a chain that shows when one of its entries was changed. */
export function Audit() {
  const { tz } = useView();
  const [actor, setActor] = useParam("actor");
  const [action, setAction] = useParam("action");
  const [sought, setSought] = useParam("q");
  const found = usePaged<Page>("/audit", { actor, action, q: sought });
  const pages = found.data;
  const lines = pages?.flatMap(({ entries }) => entries) ?? [];
  return (
    <Panel title="Audit log" note="The newest first.">
      <Verify />
      <form
        className="pu-form-row"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          setActor(String(form.get("actor")).trim());
          setAction(String(form.get("action")).trim());
          setSought(String(form.get("q")).trim());
        }}
      >
        <Field label="By whom">{(control) => <input {...control} name="actor" defaultValue={actor} />}</Field>
        <Field label="What was done">
          {(control) => <input {...control} name="action" placeholder="key_create" defaultValue={action} />}
        </Field>
        <Field label="Anywhere">
          {(control) => <input {...control} name="q" type="search" defaultValue={sought} />}
        </Field>
        <Button type="submit">Search</Button>
      </form>
      {found.isError && !pages ? <ErrorState error={found.error} onRetry={() => void found.refetch()} /> : null}
      {found.isPending ? <Skeleton height={240} /> : null}
      {pages ? (
        <>
          <Table
            caption="Audit log"
            columns={[
              { name: "at", title: "When", head: true, cell: (row) => time(row.at, tz, "second") },
              { name: "actor", title: "Who", cell: (row) => row.actor },
              { name: "via", title: "Via", cell: (row) => row.via },
              { name: "action", title: "What", cell: (row) => row.action.replaceAll("_", " ") },
              { name: "target", title: "Of what", cell: (row) => <span className="pu-wrap">{row.target}</span> },
              {
                name: "details",
                title: "Details",
                cell: (row) => <code className="pu-wrap">{detailed(row.details)}</code>,
              },
              { name: "address", title: "From", cell: (row) => row.address ?? "—" },
              {
                name: "hash",
                title: "Seal",
                cell: (row) => (
                  <code title={row.hash}>
                    {row.seq}:{row.hash.slice(0, 8)}
                  </code>
                ),
              },
            ]}
            rows={lines}
            rowKey={(row) => String(row.seq)}
            empty="No entry fits."
          />
          <More shown={lines.length} onMore={found.hasNextPage ? () => void found.fetchNextPage() : null} />
        </>
      ) : null}
    </Panel>
  );
}

function detailed(details: Record<string, unknown>): string {
  return Object.entries(details)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("; ");
}

function Verify() {
  const [asked, setAsked] = useState(false);
  const found = useApi<State>("/audit/verify", undefined, { enabled: asked });
  const state = found.data;
  return (
    <div className="pu-form-row" role="status">
      <Button
        disabled={found.isFetching}
        onClick={() => {
          if (asked) void found.refetch();
          setAsked(true);
        }}
      >
        {found.isFetching ? "Verifying…" : "Verify the chain"}
      </Button>
      {found.isError ? <ErrorState error={found.error} /> : null}
      {state ? (
        <p>
          <Badge tone={state.intact ? "good" : "bad"}>{state.intact ? "intact" : "broken"}</Badge>{" "}
          {state.intact
            ? `${count(state.entries)} entries, each sealed by the one after it. Head `
            : `Entry ${state.broken_seq}: ${state.fault} Head `}
          <code className="pu-break">
            {state.head.seq}:{state.head.hash}
          </code>
        </p>
      ) : null}
    </div>
  );
}
