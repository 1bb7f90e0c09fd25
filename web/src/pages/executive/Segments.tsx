import { useMemo } from "react";

import { useFigures, usePermissions } from "../../api/hooks";
import type { Figures, Row } from "../../api/types";
import { useExport } from "../../app/exported";
import { lessSaid } from "../../app/ranges";
import { useParam, useProject, type View } from "../../app/state";
import { count, decimal, delta, money, ratio, sign } from "../../format";
import { Empty, Panel, Select, Shown, Table, type Column } from "../../parts";
import { amount, figuresAt } from "../answers";
import { Drivers } from "./Drivers";
import { Notes } from "./MarginBridge";
import { CHANGING, inOrderOf, ofChange, SEGMENTS_MAX, segmentMeasures, segmentsQuestions } from "./questions";

// Where the answer of what is compared is.
const CHANGES = 1;

const SCALES: readonly (readonly [string, string])[] = [
  ["1", "1"],
  ["1000", "1k"],
  ["1000000", "1M"],
];
const SAID: Record<string, string> = { "1": "", "1000": "1k ", "1000000": "1M " };

interface SegmentsProps {
  view: View;
  dimension: string;
  onDimension: (name: string) => void;
  opened: string | null;
  onOpen: (segment: string | null) => void;
}

/** Every segment with what it earns and costs per unit; a row opens what its cost is made of. */
export function Segments({ view, dimension, onDimension, opened, onOpen }: SegmentsProps) {
  const may = usePermissions();
  const project = useProject();
  const measures = segmentMeasures(may);
  const [sort, setSort] = useParam("sort", measures.includes("contribution_margin") ? "contribution_margin" : "-units");
  const [per, setPer] = useParam("per", "1");
  const scale = SAID[per] === undefined ? 1 : Number(per);
  const questions = segmentsQuestions(view, dimension, sort, measures);
  const found = useFigures(measures.length > 0 ? questions : []);
  useExport(`Segments by ${dimension}`, { ...questions[0]!, compare: view.question.compare });
  const changes = figuresAt(found.data, CHANGES)?.rows ?? null;
  const changed = view.compared ? `Margin change${lessSaid(view.to, view.compared.to!)}` : "";
  const columns = useMemo(
    () => columnsOf({ dimension, measures, changes, changed, scale, per, unit: view.unit, opened, onOpen }),
    [dimension, measures.join(), changes, changed, scale, per, view.unit, opened, onOpen],
  );
  const dimensions = project.dimensions.map(({ name }): [string, string] => [name, name]);
  return (
    <Panel
      title={`Segments by ${dimension}`}
      note={`What each earns and costs per ${SAID[per] ?? ""}${view.unit}; open one for its cost drivers`}
      tour="segments"
      actions={
        <>
          <Select label="Cut by" value={dimension} options={dimensions} onChange={onDimension} />
          <Select label={`Per so many`} value={per} options={SCALES} onChange={setPer} />
        </>
      }
    >
      {measures.length === 0 ? (
        <Empty title="Not shown to your role">Ask an administrator for a role that may see figures.</Empty>
      ) : (
        <Shown of={found} at={0} height={320}>
          {(figures) => (
            <>
              <Table
                caption={`Segments by ${dimension}`}
                columns={columns(figures)}
                rows={rowsOf(figures, changes, sort)}
                rowKey={(row) => String(row[figures.by[0]!] ?? "")}
                sort={sort}
                onSort={setSort}
                under={(row) =>
                  opened !== null && figures.by[0] === dimension && opened === String(row[dimension] ?? "") ? (
                    <Drivers view={view} dimension={dimension} segment={opened} />
                  ) : null
                }
              />
              {figures.next || figures.rows.length > SEGMENTS_MAX ? (
                <p className="pu-hint">The first {SEGMENTS_MAX}; Export has all of them.</p>
              ) : null}
              <Notes notes={figures.notes} />
            </>
          )}
        </Shown>
      )}
    </Panel>
  );
}

function rowsOf(figures: Figures, changes: readonly Row[] | null, sort: string): Row[] {
  const rows = changes && ofChange(sort) ? inOrderOf(changes, figures.rows, figures.by[0]!) : figures.rows;
  return rows.slice(0, SEGMENTS_MAX);
}

interface ColumnsWanted {
  dimension: string;
  measures: readonly string[];
  /** How the segments changed; null where nothing is compared. */
  changes: readonly Row[] | null;
  /** What the change is called. */
  changed: string;
  scale: number;
  per: string;
  unit: string;
  opened: string | null;
  onOpen: (segment: string | null) => void;
}

function columnsOf({ dimension, measures, changes, changed, scale, per, unit, opened, onOpen }: ColumnsWanted) {
  return (figures: Figures): Column<Row>[] => {
    const { currency } = figures;
    // While another dimension is asked for, the last answer stays, with its own.
    const cut = figures.by[0] ?? dimension;
    const sum = (name: string, title: string) => column(name, title, (cell) => money(cell, currency));
    const each = (name: string, title: string) =>
      column(name, `${title} per ${SAID[per] ?? ""}${unit}`, (cell) => money(cell, currency, { per: scale }));
    const known: Record<string, Column<Row>> = {
      units: column("units", "Units", count),
      revenue: sum("revenue", "Revenue"),
      variable_cost: sum("variable_cost", "Cost"),
      contribution_margin: sum("contribution_margin", "Margin"),
      revenue_per_unit: each("revenue_per_unit", "Revenue"),
      cost_per_unit: each("cost_per_unit", "Cost"),
      contribution_margin_per_unit: each("contribution_margin_per_unit", "Margin"),
      success_rate: column("success_rate", "Success", ratio),
    };
    const order = ["units", "revenue", "variable_cost", "contribution_margin", "revenue_per_unit", "cost_per_unit", "contribution_margin_per_unit", "success_rate"]; // prettier-ignore
    return [
      {
        name: cut,
        title: cut,
        head: true,
        sortable: true,
        cell: (row) => <Opener name={String(row[cut] ?? "")} opened={opened} onOpen={onOpen} />,
      },
      ...order.filter((name) => measures.includes(name)).map((name) => known[name]!),
      ...(changes ? [changeOf(new Map(changes.map((row) => [row[cut], row])), cut, changed, currency)] : []),
    ];
  };
}

function column(name: string, title: string, show: (cell: string | number | null) => string): Column<Row> {
  return {
    name,
    title,
    number: true,
    sortable: true,
    cell: (row) => {
      const cell = amount(row[name]);
      const exact = decimal(cell);
      return <span className={exact && sign(exact) < 0 ? "pu-negative" : undefined}>{show(cell)}</span>;
    },
  };
}

/** How the margin per unit changed against the period compared with. */
function changeOf(changes: ReadonlyMap<unknown, Row>, cut: string, title: string, currency: string): Column<Row> {
  return {
    name: `${CHANGING}_change`,
    title,
    number: true,
    sortable: true,
    cell: (row) => {
      const both = changes.get(row[cut]) ?? {};
      const [now, before] = [amount(both[CHANGING]), amount(both[`${CHANGING}_before`])];
      const change = delta({ now, before, unit: "money", good: "up", currency });
      return <span className={`pu-delta pu-delta-${change.tone}`}>{change.text}</span>;
    },
  };
}

function Opener({
  name,
  opened,
  onOpen,
}: {
  name: string;
  opened: string | null;
  onOpen: (to: string | null) => void;
}) {
  const open = opened === name;
  return (
    <button type="button" className="pu-opener" aria-expanded={open} onClick={() => onOpen(open ? null : name)}>
      <span aria-hidden="true">{open ? "▾" : "▸"}</span> {name || "unknown"}
    </button>
  );
}
