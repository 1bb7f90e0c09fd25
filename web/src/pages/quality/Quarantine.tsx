import { useState } from "react";

import { useAction, useApi } from "../../api/hooks";
import type { Replayed, RuleCount, WaitingRows, WaitingWhole } from "../../api/schema";
import { useParam, useView } from "../../app/state";
import { count, time } from "../../format";
import {
  Allowed, Badge, Button, Copy, Dialog, ErrorState, More, Panel, Query, Reasoned, Select, Skeleton, Table, useToast,
} from "../../parts"; // prettier-ignore
import { usePaged } from "../paged";

type Selected = { ids: number[] } | { rule?: string; source?: string; kind: string };

/** Rows that were refused or contradict an accepted fact: why, what they held, and their way back. */
export function Quarantine() {
  const { tz } = useView();
  const [kind, setKind] = useParam("kind");
  const [source, setSource] = useParam("source");
  const [rule, setRule] = useParam("rule");
  const found = usePaged<WaitingRows>("/quarantine", { kind, source, rule });
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [opened, setOpened] = useState<number | null>(null);
  const [replaying, setReplaying] = useState<Selected | null>(null);
  const pages = found.data;
  if (found.isError && !pages)
    return (
      <Panel title="Quarantine">
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      </Panel>
    );
  if (!pages)
    return (
      <Panel title="Quarantine">
        <Skeleton height={240} />
      </Panel>
    );
  const summary = pages[0]!.summary;
  const rows = pages.flatMap((page) => page.rows);
  const fitting = summary.filter(
    (each) => (!kind || each.kind === kind) && (!source || each.source === source) && (!rule || each.rule === rule),
  );
  const waiting = fitting.reduce((sum, each) => sum + each.rows, 0);
  const toggle = (id: number) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <Panel title="Quarantine" note={`${count(waiting)} rows wait. Nothing that was sent is thrown away.`}>
      <ByRule summary={summary} onPick={(each) => setRule(each.rule === rule ? "" : each.rule)} picked={rule} />
      <div className="pu-form-row">
        <Select
          label="Kind"
          value={kind}
          options={[
            ["", "Any"],
            ["rejected", "Rejected"],
            ["conflict", "Conflict"],
          ]}
          onChange={setKind}
        />
        <Select
          label="Source"
          value={source}
          options={choices(summary.map((each) => each.source))}
          onChange={setSource}
        />
        <Select label="Rule" value={rule} options={choices(summary.map((each) => each.rule))} onChange={setRule} />
        <Allowed needs="quarantine:replay" what="Replaying">
          <Button kind="first" disabled={chosen.size === 0} onClick={() => setReplaying({ ids: [...chosen] })}>
            Replay {chosen.size || ""} chosen
          </Button>
          <Button
            disabled={waiting === 0}
            onClick={() =>
              setReplaying({ kind: kind || "rejected", ...(rule ? { rule } : {}), ...(source ? { source } : {}) })
            }
          >
            Replay all {kind || "rejected"} that fit
          </Button>
        </Allowed>
      </div>
      <Table
        caption="Rows that wait"
        columns={[
          {
            name: "chosen",
            title: <span className="pu-hidden">Chosen</span>,
            cell: (row) => (
              <label className="pu-check">
                <input
                  type="checkbox"
                  checked={chosen.has(row.quarantine_id)}
                  onChange={() => toggle(row.quarantine_id)}
                />
                <span className="pu-hidden">Choose row {row.quarantine_id}</span>
              </label>
            ),
          },
          {
            name: "id",
            title: "Row",
            head: true,
            cell: (row) => (
              <button type="button" className="pu-link" onClick={() => setOpened(row.quarantine_id)}>
                {row.quarantine_id}
              </button>
            ),
          },
          {
            name: "kind",
            title: "Kind",
            cell: (row) => <Badge tone={row.kind === "rejected" ? "bad" : "warn"}>{row.kind}</Badge>,
          },
          { name: "rule", title: "Rule", cell: (row) => row.rule },
          { name: "place", title: "Place", cell: (row) => <code>{row.place}</code> },
          { name: "got", title: "Got", cell: (row) => <code className="pu-wrap">{row.got ?? "nothing"}</code> },
          { name: "source", title: "Source", cell: (row) => row.source },
          { name: "file", title: "File", cell: (row) => `${row.file_name}:${row.position}` },
          { name: "at", title: "Since", cell: (row) => time(row.quarantined_at, tz, "second") },
        ]}
        rows={rows}
        rowKey={(row) => String(row.quarantine_id)}
        empty="Nothing waits."
      />
      <More shown={rows.length} onMore={found.hasNextPage ? () => void found.fetchNextPage() : null} />
      {opened === null ? null : <Detail id={opened} onClose={() => setOpened(null)} />}
      {replaying ? (
        <Replay of={replaying} onClose={() => setReplaying(null)} onDone={() => setChosen(new Set())} />
      ) : null}
    </Panel>
  );
}

function choices(values: string[]): (readonly [string, string])[] {
  return [["", "Any"], ...[...new Set(values)].sort().map((each) => [each, each] as const)];
}

function ByRule({
  summary,
  onPick,
  picked,
}: {
  summary: RuleCount[];
  onPick: (of: RuleCount) => void;
  picked: string;
}) {
  return (
    <Table
      caption="Rows that wait, by rule"
      columns={[
        {
          name: "rule",
          title: "Rule",
          head: true,
          cell: (row) => (
            <button type="button" className="pu-link" aria-pressed={row.rule === picked} onClick={() => onPick(row)}>
              {row.rule}
            </button>
          ),
        },
        { name: "kind", title: "Kind", cell: (row) => row.kind },
        { name: "source", title: "Source", cell: (row) => row.source },
        { name: "place", title: "Place", cell: (row) => <code>{row.place}</code> },
        { name: "rows", title: "Rows", number: true, cell: (row) => count(row.rows) },
        { name: "expected", title: "What must hold", cell: (row) => <span className="pu-wrap">{row.expected}</span> },
      ]}
      rows={summary}
      rowKey={(row) => `${row.source} ${row.kind} ${row.rule} ${row.place}`}
      empty="No rule is broken by rows that wait."
    />
  );
}

function Detail({ id, onClose }: { id: number; onClose: () => void }) {
  const found = useApi<WaitingWhole>(`/quarantine/${id}`, undefined, { keep: false });
  const { tz } = useView();
  return (
    <Dialog open title={`Row ${id}`} onClose={onClose}>
      <Query of={found}>
        {(row) => (
          <div className="pu-form">
            <dl className="pu-facts">
              <dt>Rule</dt>
              <dd>{row.rule}</dd>
              <dt>Place</dt>
              <dd>
                <code>{row.place}</code> in {row.file_name}, row {row.position}, batch {row.batch_id}
              </dd>
              <dt>Got</dt>
              <dd>
                <code>{row.got ?? "nothing"}</code>
              </dd>
              <dt>Expected</dt>
              <dd>{row.expected}</dd>
              <dt>Since</dt>
              <dd>{time(row.quarantined_at, tz)}</dd>
            </dl>
            <h3>As it was sent</h3>
            <pre className="pu-text" tabIndex={0} aria-label="The row as it was sent">
              {laid(row.raw)}
            </pre>
            <p>
              <Copy text={row.raw} label="Copy the row" />
            </p>
          </div>
        )}
      </Query>
    </Dialog>
  );
}

/** JSON with its lines; anything else as it is. */
function laid(raw: string): string {
  try {
    return JSON.stringify(JSON.parse(raw), null, 2);
  } catch {
    return raw;
  }
}

function Replay({ of, onClose, onDone }: { of: Selected; onClose: () => void; onDone: () => void }) {
  const action = useAction<Replayed, Record<string, unknown>>("POST", "/quarantine/replay");
  const say = useToast();
  const said = "ids" in of ? `${of.ids.length} chosen rows` : `all ${of.kind} rows${of.rule ? ` of “${of.rule}”` : ""}`;
  return (
    <Reasoned
      title={`Replay ${said}`}
      act="Replay"
      action={action}
      body={(reason) => ({ ...of, reason })}
      onClose={onClose}
      onDone={(made) => {
        const accepted = made.reports.reduce((sum, each) => sum + each.accepted, 0);
        say(`${count(accepted)} accepted; ${count(made.waiting)} rows wait now.`);
        onDone();
      }}
    >
      <p>They are loaded again under the contract of today. What is refused once more waits anew.</p>
    </Reasoned>
  );
}
