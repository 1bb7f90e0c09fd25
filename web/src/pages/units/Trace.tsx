import { Waterfall, type TraceRow } from "../../charts";
import { duration, ms, time } from "../../format";
import type { EventLine } from "./shape";
import { bursts } from "./till";

/** The unit's events by when they happened and how long each took. */
export function Trace({ events, tz }: { events: readonly EventLine[]; tz: string }) {
  const groups = bursts(events);
  return (
    <div className="pu-unit-trace">
      {groups.map((group, index) => (
        <div key={group[0]!.id}>
          <p>
            {time(group[0]!.event_time, tz)}
            {index > 0 ? `, ${apart(groups[index - 1]!, group)} later` : ""}
          </p>
          <Waterfall title={`Events from ${time(group[0]!.event_time, tz)}`} rows={rowsOf(group, tz)} />
        </div>
      ))}
    </div>
  );
}

function rowsOf(group: readonly EventLine[], tz: string): TraceRow[] {
  const first = Date.parse(group[0]!.event_time);
  return group.map((event) => {
    const failed = event.attempt && !event.success;
    const took = event.latency_ms === null ? "" : ms(event.latency_ms);
    const marks = [event.outcome, event.late ? "late" : null, took].filter(Boolean);
    return {
      key: event.id,
      label: event.event_type,
      start: (Date.parse(event.event_time) - first) / 1000,
      seconds: event.latency_ms === null ? null : Number(event.latency_ms) / 1000,
      shown: marks.join(" · "),
      bad: failed,
      title: `${event.event_type}, ${time(event.event_time, tz)}${marks.length ? `: ${marks.join(", ")}` : ""}`,
    };
  });
}

function apart(before: readonly EventLine[], after: readonly EventLine[]): string {
  return duration((Date.parse(after[0]!.event_time) - Date.parse(before.at(-1)!.event_time)) / 1000);
}
