import { useFigures } from "../../api/hooks";
import type { Question } from "../../api/types";
import { useParam, useProject, useView } from "../../app/state";
import type { Annotation } from "../../charts/annotations";
import { delta, duration, time, value } from "../../format";
import { Empty, Panel, Select, Shown, Table, type Column } from "../../parts";
import { amount, around, goodOf, titleOf, unitOf, type Answer } from "../answers";

const MEASURES = [
  "success_rate",
  "latency_ms_p95",
  "cost_per_unit",
  "revenue_per_unit",
  "contribution_margin_per_unit",
  "units",
];
const HOURS = ["1", "6", "24", "72"] as const;

interface DiffProps {
  annotations: readonly Annotation[];
}

/** Measures per unit before and after a change: a noted one, or the first hour of a release. */
export function Diff({ annotations }: DiffProps) {
  const view = useView();
  const project = useProject();
  const releases = project.dimensions.find(({ name }) => /^(release|version)$/.test(name));
  const [chosen, setChosen] = useParam("change");
  const [hours, setHours] = useParam("around", "24");
  const [by, setBy] = useParam("diff", "");
  const options = [
    ["", "Choose a change"] as const,
    ...[...annotations]
      .reverse()
      .map((each) => [`at:${each.start}`, `${each.title}, ${time(each.start, view.tz)}`] as const),
    ...[...(releases?.values ?? [])].reverse().map((each) => [`release:${each}`, `${releases!.name} ${each}`] as const),
  ];
  const dimensions = project.units.find(({ name }) => name === view.unit)?.segments ?? [];
  return (
    <Panel
      title="Before and after a change"
      note="The same measures over equally long times on both sides of it"
      className="pu-two-thirds"
      tour="deploy-diff"
    >
      <div className="pu-debug-form">
        <Select label="Change" value={chosen} options={options} onChange={setChosen} />
        <Select
          label="Around it"
          value={hours}
          options={HOURS.map((each) => [each, duration(Number(each) * 3600)] as const)}
          onChange={setHours}
        />
        <Select
          label="By"
          value={by}
          options={[["", "in all"] as const, ...dimensions.map((name) => [name, name] as const)]}
          onChange={setBy}
        />
      </div>
      {chosen.startsWith("at:") ? (
        <Compared at={chosen.slice(3)} hours={Number(hours)} by={by} />
      ) : chosen.startsWith("release:") && releases ? (
        <Released dimension={releases.name} release={chosen.slice(8)} hours={Number(hours)} by={by} />
      ) : (
        <Empty title="No change chosen">Choose a deployment, a flag, a price change or a release.</Empty>
      )}
    </Panel>
  );
}

/** A release begins in the first hour that has its events. */
function Released({
  dimension,
  release,
  hours,
  by,
}: {
  dimension: string;
  release: string;
  hours: number;
  by: string;
}) {
  const view = useView();
  const filters = [`${dimension}:${encodeURIComponent(release)}`];
  const question: Question = {
    measures: ["events"],
    unit: view.unit,
    grain: "hour",
    filters,
    order: ["hour"],
    limit: 1,
  };
  const first = useFigures([question]);
  return (
    <Shown of={first} at={0} height={200}>
      {(answer) => (
        <>
          <p className="pu-hint">
            First seen {time(String(answer.rows[0]!["hour"]), view.tz)}; all releases are compared, before and after
          </p>
          <Compared at={String(answer.rows[0]!["hour"])} hours={hours} by={by} />
        </>
      )}
    </Shown>
  );
}

function Compared({ at, hours, by }: { at: string; hours: number; by: string }) {
  const view = useView();
  const project = useProject();
  const { before, after } = around(at, hours, project.data.latest_event);
  const question: Question = {
    ...view.question,
    ...after,
    compare: "custom",
    compare_from: before.from,
    compare_to: before.to,
    measures: MEASURES,
    limit: 30,
    ...(by ? { by: [by], order: ["-units"] } : {}),
  };
  // Measures of money and of operation may be refused apart.
  const money = MEASURES.filter((name) => /margin|cost|revenue/.test(name));
  const rest = MEASURES.filter((name) => !money.includes(name));
  const figures = useFigures([
    { ...question, measures: rest },
    { ...question, measures: by ? [...money, "units"] : money },
  ]);
  return (
    <>
      <Shown of={figures} at={0} height={140}>
        {(answer) => <Sides answer={answer} measures={rest} by={by} />}
      </Shown>
      <Shown of={figures} at={1} height={140}>
        {(answer) => <Sides answer={answer} measures={money} by={by} />}
      </Shown>
    </>
  );
}

interface Side {
  key: string;
  segment: string;
  measure: string;
  row: Record<string, unknown>;
}

function Sides({ answer, measures, by }: { answer: Answer; measures: readonly string[]; by: string }) {
  const rows: Side[] = answer.rows.flatMap((row) => {
    const segment = by ? String(row[by] ?? "unknown") : "";
    return measures.map((measure) => ({ key: `${segment} ${measure}`, segment, measure, row }));
  });
  const shown = (column: string) => (side: Side) =>
    value(amount(side.row[column.replace("*", side.measure)]), unitOf(answer, side.measure), answer.currency);
  const columns: Column<Side>[] = [
    ...(by ? [{ name: "segment", title: by, cell: ({ segment }: Side) => segment }] : []),
    { name: "measure", title: "Measure", head: true, cell: ({ measure }) => titleOf(answer, measure) },
    { name: "before", title: "Before", number: true, cell: shown("*_before") },
    { name: "after", title: "After", number: true, cell: shown("*") },
    { name: "change", title: "Change", number: true, cell: (side) => <Changed answer={answer} side={side} /> },
  ];
  return <Table<Side> caption="Before and after" columns={columns} rows={rows} rowKey={({ key }) => key} />;
}

const WORDS = { good: "better", bad: "worse", flat: "" };

function Changed({ answer, side }: { answer: Answer; side: Side }) {
  const { measure, row } = side;
  const change = delta({
    now: amount(row[measure]),
    before: amount(row[`${measure}_before`]),
    unit: unitOf(answer, measure),
    good: goodOf(answer, measure),
    currency: answer.currency,
  });
  return (
    <span className={`pu-debug-tone-${change.tone}`}>
      {change.text} {WORDS[change.tone]}
    </span>
  );
}
