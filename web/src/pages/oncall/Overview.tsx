import { useFigures } from "../../api/hooks";
import { useExplain } from "../../app/explaining";
import { useGo, useLinkTo, useView } from "../../app/state";
import { endOf, TimeSeries } from "../../charts";
import type { Annotation } from "../../charts/annotations";
import { delta, value } from "../../format";
import { Kpi, Panel } from "../../parts";
import { amount, goodOf, timelineOf, titleOf, unitOf } from "../answers";
import { Shown } from "../executive/Shown";

const KPIS = ["success_rate", "latency_ms_p95", "latency_ms_p99", "failures", "attempts"];

const CHARTS: { title: string; note: string; measures: string[]; at: number; tour: string; zero?: boolean }[] = [
  { title: "Success rate", note: "Successes ÷ attempts", measures: ["success_rate"], at: 1, tour: "success-rate" },
  {
    title: "Latency",
    note: "Of events that say how long they took",
    measures: ["latency_ms_p95", "latency_ms_p99"],
    at: 1,
    tour: "latency",
    zero: true,
  },
  {
    title: "Revenue lost to failures",
    note: "An estimate, unknown where nothing succeeded",
    measures: ["revenue_loss"],
    at: 2,
    tour: "revenue-loss",
  },
  { title: "Failures", note: "Attempts that did not succeed", measures: ["failures"], at: 1, tour: "failures" },
];

/** How it goes: against the week before, and over time. A bucket leads to Debug with all that is chosen. */
export function Overview({ annotations }: { annotations: readonly Annotation[] }) {
  const view = useView();
  const explain = useExplain();
  const go = useGo();
  const linkTo = useLinkTo();
  const cut = { ...view.question, grain: view.grain, compare: "off", order: [view.grain], points_max: 1500 };
  const figures = useFigures([
    { ...view.question, measures: KPIS, compare: "week" },
    { ...cut, measures: ["success_rate", "latency_ms_p95", "latency_ms_p99", "failures"] },
    { ...cut, measures: ["revenue_loss"] },
  ]);
  return (
    <>
      <Shown of={figures} at={0} height={110}>
        {(answer) => (
          <div className="pu-oncall-kpis">
            {KPIS.map((name) => {
              const unit = unitOf(answer, name);
              const [now, before] = [amount(answer.rows[0]![name]), amount(answer.rows[0]![`${name}_before`])];
              return (
                <Kpi
                  key={name}
                  title={titleOf(answer, name)}
                  value={value(now, unit, answer.currency)}
                  delta={before === null ? null : delta({ now, before, unit, good: goodOf(answer, name) })}
                  against="against the same time the week before"
                  onExplain={() => explain({ measure: name })}
                />
              );
            })}
          </div>
        )}
      </Shown>
      {CHARTS.map(({ title, note, measures, at, tour, zero }) => (
        <Panel key={tour} title={`${title} per ${view.grain}`} note={note} className="pu-half" tour={tour}>
          <Shown of={figures} at={at} height={260}>
            {(answer) => {
              const line = timelineOf(answer, measures);
              return (
                <TimeSeries
                  title={title}
                  {...line}
                  grain={answer.grain}
                  tz={view.tz}
                  currency={line.unit === "money" ? answer.currency : null}
                  annotations={annotations}
                  height={180}
                  {...(zero ? { zero } : {})}
                  onZoom={(from, to) => view.set({ from, to })}
                  onPick={(time) => go(linkTo("/debug", { range: "", from: time, to: endOf(time, answer.grain) }))}
                />
              );
            }}
          </Shown>
        </Panel>
      ))}
    </>
  );
}
