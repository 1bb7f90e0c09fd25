import { useFigures } from "../../api/hooks";
import { useExplain } from "../../app/explaining";
import { comparedOf, useGo, useLinkTo, useProject, useView } from "../../app/state";
import { endOf, TimeSeries } from "../../charts";
import type { Annotation } from "../../charts/annotations";
import { delta, value } from "../../format";
import { Kpi, Panel, Shown } from "../../parts";
import { amount, figuresAt, goodOf, timelineOf, titleOf, unitOf } from "../answers";

const KPIS = ["success_rate", "latency_ms_p95", "latency_ms_p99", "failures", "attempts"];

// Where the answer of what is compared is, which may be less than what is shown.
const CHANGES = 3;

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
  const week = { ...view.question, compare: "week" };
  const compared = comparedOf(week, useProject().data.latest_event);
  const figures = useFigures([
    { ...week, measures: KPIS, compare: "off" },
    { ...cut, measures: ["success_rate", "latency_ms_p95", "latency_ms_p99", "failures"] },
    { ...cut, measures: ["revenue_loss"] },
    ...(compared ? [{ ...compared, measures: KPIS }] : []),
  ]);
  const change = figuresAt(figures.data, CHANGES)?.rows[0] ?? {};
  return (
    <>
      <Shown of={figures} at={0} height={110}>
        {(answer) => (
          <div className="pu-oncall-kpis">
            {KPIS.map((name) => {
              const unit = unitOf(answer, name);
              const [now, before] = [amount(change[name]), amount(change[`${name}_before`])];
              return (
                <Kpi
                  key={name}
                  title={titleOf(answer, name)}
                  value={value(amount(answer.rows[0]![name]), unit, answer.currency)}
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
