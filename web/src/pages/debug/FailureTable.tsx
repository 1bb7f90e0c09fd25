import { Link } from "../../app/Link";
import { useLinkTo, useProject } from "../../app/state";
import { exactly, ms, placesOf, time } from "../../format";
import { Badge, Table, type Column } from "../../parts";
import "./debug.css";
import type { Failure } from "../../api/schema";

interface FailureTableProps {
  failures: readonly Failure[];
  tz: string;
  /** With join keys, enrichment and the event's own id. */
  whole?: boolean;
}

/** Attempts that did not succeed, with the units they belong to. */
export function FailureTable({ failures, tz, whole = false }: FailureTableProps) {
  const columns: Column<Failure>[] = [
    { name: "time", title: "Time", head: true, cell: (row) => time(row.time, tz, "second") },
    { name: "type", title: "Event", cell: ({ type, outcome }) => (outcome ? `${type} [${outcome}]` : type) },
    { name: "units", title: "Units", cell: ({ units }) => <Keys units={units} /> },
    { name: "recovered", title: "Tried again", cell: ({ recovered }) => <Recovered recovered={recovered} /> },
    { name: "segments", title: "Segments", cell: ({ segments }) => <Enriched segments={segments} whole={whole} /> },
    { name: "latency", title: "Latency", number: true, cell: (row) => ms(row.latency_ms) },
    ...(whole ? inFull() : []),
  ];
  return (
    <Table<Failure>
      caption="Failed attempts"
      columns={columns}
      rows={failures}
      rowKey={(row) => `${row.source} ${row.event_id}`}
      empty="Nothing failed in this range and with these filters."
    />
  );
}

function inFull(): Column<Failure>[] {
  return [
    { name: "amounts", title: "Amounts", number: true, cell: amountsOf },
    { name: "resource", title: "Resource", cell: ({ resource }) => resource ?? "unknown" },
    { name: "intent", title: "Intent", cell: ({ intent }) => <code>{intent ?? "none"}</code> },
    {
      name: "event_id",
      title: "Event id",
      cell: ({ event_id, source }) => (
        <code title={`from ${source}`}>
          {source} {event_id}
        </code>
      ),
    },
  ];
}

/** The keys that join the event to its units; a unit type without one is an orphan to it. */
function Keys({ units }: { units: Record<string, string> }) {
  const project = useProject();
  const linkTo = useLinkTo();
  return (
    <span className="pu-debug-keys">
      {project.units.map(({ name }) => {
        const key = units[name];
        if (key === undefined) return null;
        return (
          <span key={name}>
            {name}{" "}
            <Link className="pu-unit-id" href={linkTo(`/units/${encodeURIComponent(name)}/${encodeURIComponent(key)}`)}>
              {key}
            </Link>
          </span>
        );
      })}
      {Object.keys(units).length === 0 ? <Badge tone="bad">no join key</Badge> : null}
    </span>
  );
}

function Recovered({ recovered }: { recovered: boolean | null }) {
  if (recovered === null) return <span title="It says no intent, so retries cannot be told">unknown</span>;
  return recovered ? <Badge tone="good">succeeded later</Badge> : <Badge tone="bad">not recovered</Badge>;
}

/** Which segments were joined to it. */
function Enriched({ segments, whole }: { segments: Record<string, string | null>; whole: boolean }) {
  const missing = Object.entries(segments).filter(([, value]) => value === null);
  const known = Object.values(segments).filter((value) => value !== null);
  return (
    <>
      {whole && missing.length ? (
        <Badge tone="warn" title={`unknown: ${missing.map(([name]) => name).join(", ")}`}>
          {known.length} of {known.length + missing.length} enriched
        </Badge>
      ) : null}{" "}
      {known.join(" · ")}
    </>
  );
}

function amountsOf({ amounts, currency }: Failure): string {
  const places = placesOf(Object.values(amounts), 6);
  const each = Object.entries(amounts).map(([account, amount]) => `${account} ${exactly(amount, places, currency)}`);
  return each.join(", ") || "none";
}
