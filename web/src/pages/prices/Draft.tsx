import { useState } from "react";

import { useAction } from "../../api/hooks";
import type { Book, DraftMade, FaultFound, Impact } from "../../api/schema";
import { useProject, useView } from "../../app/state";
import { count, money, time } from "../../format";
import { Allowed, Button, ErrorState, Field, Panel, Partial, Reasoned, Select, Table, useToast } from "../../parts";
import { Changes } from "./book";

/** Writes the next version: checks it, says what it would change of stored usage, and puts it in force. */
export function Draft({ of }: { of: Book }) {
  const view = useView();
  const project = useProject();
  const start = of.versions.find(({ version }) => version === of.in_force) ?? of.versions[0];
  const kept = of.drafts[0];
  const [text, setText] = useState(kept?.text ?? nextOf(start?.content ?? "", of.versions[0]?.version ?? 0));
  const [by, setBy] = useState("");
  const [checked, setChecked] = useState<DraftMade | null>(null);
  const [approving, setApproving] = useState(false);
  const check = useAction<DraftMade, Record<string, unknown>>("POST", `/prices/${of.book}/drafts`);
  const ask = (keep: boolean) =>
    check.mutate(
      {
        text,
        keep,
        by: by ? [by] : [],
        unit: view.unit || null,
        replaces: keep ? (checked?.draft ? checked.digest : (kept?.digest ?? null)) : null,
      },
      { onSuccess: setChecked },
    );
  const sound = checked !== null && checked.faults.length === 0;
  return (
    <>
      <Panel
        title="Draft"
        note={
          kept ? `${kept.draft} is kept` : `Begins with version ${start?.version ?? "1"}; prices nothing until approved`
        }
      >
        <Allowed needs="prices:change" what="Writing a draft">
          <div className="pu-form">
            <Field label="Price book as YAML">
              {(control) => (
                <textarea
                  {...control}
                  className="pu-draft"
                  rows={18}
                  spellCheck={false}
                  value={text}
                  onChange={(event) => {
                    setText(event.target.value);
                    setChecked(null);
                  }}
                />
              )}
            </Field>
            <div className="pu-form-row">
              <Select
                label="Impact by"
                value={by}
                options={[["", "Total only"], ...project.dimensions.map(({ name }) => [name, name] as const)]}
                onChange={setBy}
              />
              <Button disabled={check.isPending || !text.trim()} onClick={() => ask(false)}>
                {check.isPending ? "Replaying…" : "Check and preview"}
              </Button>
              <Button kind="first" disabled={check.isPending || !text.trim()} onClick={() => ask(true)}>
                Keep the draft
              </Button>
              <Button disabled={!sound || checked?.draft == null} onClick={() => setApproving(true)}>
                Approve…
              </Button>
              {sound && checked?.draft == null ? <span className="pu-hint">Keep it before it is approved.</span> : null}
            </div>
          </div>
        </Allowed>
        {check.isError ? <ErrorState error={check.error} /> : null}
        {checked?.faults.length ? <Faults faults={checked.faults} /> : null}
      </Panel>
      {checked?.diff ? (
        <Panel title="What changes" note={`Against ${checked.diff.from ?? "nothing"}.`}>
          <Changes changes={checked.diff.changes} />
          {checked.past ? (
            <Partial>
              prices of usage since {time(checked.past.from, view.tz)} change:{" "}
              {checked.past.amounts
                .map(
                  (each) => `${each.kind} ${money(each.before, each.currency)} → ${money(each.after, each.currency)}`,
                )
                .join("; ")}
            </Partial>
          ) : null}
        </Panel>
      ) : null}
      {checked?.impact ? <Impacts of={checked.impact} by={by} /> : null}
      {approving && checked?.draft ? (
        <Approve book={of.book} made={checked} onClose={() => setApproving(false)} />
      ) : null}
    </>
  );
}

/** A version's text as the beginning of the next one. */
function nextOf(text: string, latest: number): string {
  return text.replace(/^version:.*$/m, `version: ${latest + 1}`);
}

function Faults({ faults }: { faults: FaultFound[] }) {
  return (
    <div role="alert">
      <Table
        caption="What is wrong with the draft"
        columns={[
          { name: "line", title: "Line", head: true, number: true, cell: (row) => row.line ?? "—" },
          { name: "place", title: "Place", cell: (row) => <code>{row.place}</code> },
          { name: "got", title: "Got", cell: (row) => <code className="pu-wrap">{row.got}</code> },
          { name: "rule", title: "Must", cell: (row) => <span className="pu-wrap">{row.rule}</span> },
          { name: "mend", title: "Do", cell: (row) => <span className="pu-wrap">{row.mend}</span> },
        ]}
        rows={faults}
        rowKey={(row) => `${row.line} ${row.place} ${row.rule}`}
      />
    </div>
  );
}

const MEASURES = [
  ["revenue", "Revenue"],
  ["variable_cost", "Variable cost"],
  ["contribution_margin", "Contribution margin"],
] as const;

function Impacts({ of, by }: { of: Impact; by: string }) {
  const rows = [
    { name: "All", row: of.total },
    ...of.rows.map((row) => ({ name: String(row[by] ?? "unknown"), row })),
  ].flatMap(({ name, row }) => MEASURES.map(([measure, title]) => ({ name, title, sides: row[measure] })));
  return (
    <Panel title="Impact" note={`Had stored usage been priced by the draft, per ${of.unit}.`}>
      <Table
        caption="Measures before and after, by replaying stored usage"
        columns={[
          { name: "name", title: by || "Segment", head: true, cell: (row) => row.name },
          { name: "measure", title: "Measure", cell: (row) => row.title },
          { name: "before", title: "Before", number: true, cell: (row) => money(row.sides.before, of.currency) },
          { name: "after", title: "After", number: true, cell: (row) => money(row.sides.after, of.currency) },
          { name: "change", title: "Change", number: true, cell: (row) => money(row.sides.change, of.currency) },
        ]}
        rows={rows}
        rowKey={(row) => `${row.name} ${row.title}`}
      />
      <p>
        Usage without a price: {count(of.unpriced_usage.before)} before, {count(of.unpriced_usage.after)} after.
      </p>
    </Panel>
  );
}

function Approve({ book, made, onClose }: { book: string; made: DraftMade; onClose: () => void }) {
  const action = useAction<{ version: number }, Record<string, unknown>>("POST", `/prices/${book}/approve`);
  const say = useToast();
  return (
    <Reasoned
      title={`Approve ${made.draft}`}
      act="Put in force"
      danger
      action={action}
      body={(reason, form) => ({
        draft: made.draft,
        digest: made.digest,
        reason,
        reprice_past: form.get("past") !== null,
      })}
      onClose={onClose}
      onDone={(done) => say(`Version ${done.version} of ${book} is in force.`)}
    >
      <p>It becomes the next version of {book}.</p>
      {made.past ? (
        <label className="pu-check">
          <input type="checkbox" name="past" /> Also reprice usage that is past; restates figures
        </label>
      ) : null}
    </Reasoned>
  );
}
