import { useApi } from "../../api/hooks";
import type { DriftFound, LagHistogram, Quality, Rates } from "../../api/schema";
import { useParam, useView } from "../../app/state";
import { Histogram, TimeSeries } from "../../charts";
import { count, duration, ratio, time, type Amount } from "../../format";
import { Badge, Empty, Panel, Query, Select, Table } from "../../parts";
import { Quarantine } from "./Quarantine";
import "./quality.css";

const RATES = [
  ["rejected_rate", "Rejected"],
  ["conflict_rate", "Conflicting"],
  ["duplicate_rate", "Duplicate"],
  ["orphan_rate", "Orphan"],
  ["late_rate", "Late"],
] as const;
/** From where on a rate is worth a look; the contract's own limits are checked by `perunit quality`. */
const LOOK = 0.01;

/** How fresh, whole and steady the data is that comes in; and what of it waits. */
export default function QualityPage() {
  const view = useView();
  const [by, setBy] = useParam("by", "source");
  const window = { from: view.from, to: view.to };
  const came = useApi<Quality>("/quality", { ...window, by });
  return (
    <>
      <div className="pu-page-head">
        <h1>Data quality</h1>
        <p className="pu-hint">Of what arrived in the range, whenever it happened.</p>
      </div>
      <div className="pu-grid">
        <Panel
          title="Freshness and rates"
          note={`Rates above ${ratio(LOOK)} are marked.`}
          actions={
            <Select
              label="By"
              value={by}
              options={[
                ["source", "Source"],
                ["producer", "Sender"],
                ["day", "Day"],
              ]}
              onChange={setBy}
            />
          }
        >
          <Query of={came} height={65}>
            {(data) => (
              <Table
                caption="What came, how fresh it is and what of it had faults"
                columns={[
                  { name: "source", title: "Source", head: true, cell: (row) => row.source },
                  ...(by === "source"
                    ? []
                    : [{ name: by, title: by === "day" ? "Day" : "Sender", cell: (row: Came) => text(row[by]) }]),
                  { name: "fresh", title: "Data until", cell: (row) => time(row["watermark"] as string, view.tz) },
                  {
                    name: "age",
                    title: "Behind",
                    number: true,
                    cell: (row) => duration(row["freshness_seconds"] as number | null),
                  },
                  {
                    name: "received",
                    title: "Received",
                    number: true,
                    cell: (row) => count(row["received"] as number),
                  },
                  {
                    name: "accepted",
                    title: "Accepted",
                    number: true,
                    cell: (row) => count(row["accepted"] as number),
                  },
                  ...RATES.map(([name, title]) => ({
                    name,
                    title,
                    number: true,
                    cell: (row: Came) => <Rate value={row[name] as Amount} />,
                  })),
                  { name: "waiting", title: "Waiting", number: true, cell: (row) => count(row["waiting"] as number) },
                ]}
                rows={data.rows}
                rowKey={(row) => `${row.source} ${text(row["producer"])} ${text(row["day"])}`}
                empty="Nothing came in this range."
              />
            )}
          </Query>
        </Panel>
        <OverTime />
        <Lag />
        <Drift />
        <Quarantine />
      </div>
    </>
  );
}

type Came = Quality["rows"][number];

function text(value: unknown): string {
  return value === null || value === undefined ? "—" : String(value);
}

function Rate({ value }: { value: Amount }) {
  const over = value !== null && Number(value) > LOOK;
  return over ? (
    <Badge tone="warn" title="Above what is usual">
      ▲ {ratio(value)}
    </Badge>
  ) : (
    ratio(value)
  );
}

function OverTime() {
  const { from, to, tz } = useView();
  const grain = Date.parse(to) - Date.parse(from) > 3 * 86_400_000 ? "day" : "hour";
  const found = useApi<Rates>("/quality/rates", { from, to, grain });
  return (
    <Panel className="pu-half pu-quality-rates" title="Rates over time" note="Of all sources, by when rows came.">
      <Query of={found} height={240}>
        {({ rows }) => {
          const times = [...new Set(rows.map(({ bucket }) => bucket))].sort();
          if (times.length === 0) return <Empty title="Nothing came in this range" />;
          if (times.length === 1)
            return <Empty title={`All came within one ${grain}`}>Its rates stand in the table above.</Empty>;
          const sum = (at: string, name: "rejected" | "duplicate" | "orphan" | "late" | "received") =>
            rows.filter(({ bucket }) => bucket === at).reduce((all, row) => all + row[name], 0);
          const rate = (name: "rejected" | "duplicate" | "orphan" | "late") =>
            times.map((at) => (sum(at, "received") ? sum(at, name) / sum(at, "received") : null));
          return (
            <TimeSeries
              title="Rates over time"
              times={times}
              grain={grain}
              tz={tz}
              unit="ratio"
              height={220}
              series={(["rejected", "duplicate", "orphan", "late"] as const).map((name) => ({
                name,
                label: name.charAt(0).toUpperCase() + name.slice(1),
                values: rate(name),
              }))}
            />
          );
        }}
      </Query>
    </Panel>
  );
}

function Lag() {
  const { from, to } = useView();
  const found = useApi<LagHistogram>("/quality/lag", { from, to });
  return (
    <Panel className="pu-half" title="Ingestion lag" note="How long after it happened each event came.">
      <Query of={found} height={240}>
        {(data) =>
          data.events === 0 ? (
            <Empty title="Nothing came in this range" />
          ) : (
            <Histogram
              title="Events by how late they came"
              unit="events"
              height={220}
              buckets={data.buckets.map(({ up_to_seconds: seconds, events }) => ({
                label: seconds === null ? "longer" : `≤ ${duration(seconds)}`,
                count: events,
              }))}
            />
          )
        }
      </Query>
    </Panel>
  );
}

function Drift() {
  const { from, tz } = useView();
  const found = useApi<DriftFound>("/quality/drift", { from });
  return (
    <Panel title="Drift by field" note="Fields that depart from what was sent before, or from the contract.">
      <Query of={found}>
        {({ drift }) => (
          <Table
            caption="Fields that drift"
            columns={[
              { name: "field", title: "Field", head: true, cell: (row) => <code>{row.field}</code> },
              { name: "change", title: "Change", cell: (row) => <Badge tone="warn">{row.change}</Badge> },
              { name: "event", title: "Event", cell: (row) => row.event_type },
              { name: "sender", title: "Sender", cell: (row) => row.producer },
              { name: "before", title: "Before", cell: (row) => row.before.join(", ") || "—" },
              { name: "after", title: "After", cell: (row) => row.after.join(", ") || "—" },
              { name: "seen", title: "Seen", number: true, cell: (row) => `${count(row.seen)} of ${count(row.rows)}` },
              { name: "since", title: "Since", cell: (row) => time(row.first_seen, tz) },
            ]}
            rows={drift}
            rowKey={(row) => `${row.source} ${row.producer} ${row.event_type} ${row.field} ${row.change}`}
            empty="Every field is as before and as the contract says."
          />
        )}
      </Query>
    </Panel>
  );
}
