import { useMemo } from "react";

import { useApi, useFigures } from "../../api/hooks";
import { useView } from "../../app/state";
import { Histogram, TimeSeries } from "../../charts";
import type { Annotation } from "../../charts/annotations";
import { duration } from "../../format";
import { Empty, Panel, Query, Shown } from "../../parts";
import { timelineOf } from "../answers";
import { refusedOf } from "./refused";
import type { LagHistogram, Rates } from "../../api/schema";

const RATES = ["orphan_rate", "duplicate_rate", "late_rate", "unpriced_rate"];

/** Whether the data can be trusted: what comes twice, late, without its unit or price, against its schema, how late. */
export function Health({ annotations }: { annotations: readonly Annotation[] }) {
  return (
    <>
      <Faults annotations={annotations} />
      <Refused />
      <Lag />
    </>
  );
}

function Faults({ annotations }: { annotations: readonly Annotation[] }) {
  const view = useView();
  const figures = useFigures([
    {
      ...view.question,
      measures: RATES,
      grain: view.grain,
      compare: "off",
      order: [view.grain],
      points_max: 1500,
    },
  ]);
  return (
    <Panel
      title="Orphans, duplicates, late and unpriced"
      note={`Share of events per ${view.grain}`}
      className="pu-half"
      tour="rates"
    >
      <Shown of={figures} at={0} height={270}>
        {(answer) => (
          <TimeSeries
            title="Orphans, duplicates, late and unpriced"
            {...timelineOf(answer, RATES)}
            grain={answer.grain}
            tz={view.tz}
            annotations={annotations}
            height={190}
            zero
            onZoom={(from, to) => view.set({ from, to })}
          />
        )}
      </Shown>
    </Panel>
  );
}

function Refused() {
  const view = useView();
  const hours = (Date.parse(view.to) - Date.parse(view.from)) / 3_600_000;
  const grain = hours <= 24 * 14 ? "hour" : "day";
  const rates = useApi<Rates>("/quality/rates", { from: view.from, to: view.to, grain });
  return (
    <Panel
      title="Refused"
      note={`Rows against the contract or their schema per ${grain}, by when they came`}
      className="pu-half"
      tour="refused"
    >
      <Query of={rates} height={240}>
        {(answer) => <RefusedChart answer={answer} tz={view.tz} />}
      </Query>
    </Panel>
  );
}

function RefusedChart({ answer, tz }: { answer: Rates; tz: string }) {
  const { times, series } = useMemo(() => refusedOf(answer), [answer]);
  if (times.length === 0) return <Empty title="Nothing came in this range" />;
  return (
    <TimeSeries
      title="Refused rows"
      series={series}
      times={times}
      grain={answer.grain}
      tz={tz}
      unit="count"
      height={180}
    />
  );
}

function Lag() {
  const view = useView();
  const lag = useApi<LagHistogram>("/quality/lag", { from: view.from, to: view.to });
  return (
    <Panel title="Ingestion lag" note="How long after it happened each event came in" className="pu-half" tour="lag">
      <Query of={lag} height={200}>
        {({ buckets }) =>
          buckets.every(({ events }) => events === 0) ? (
            <Empty title="Nothing came in this range" />
          ) : (
            <Histogram title="Events by ingestion lag" unit="events" buckets={lagBuckets(buckets)} />
          )
        }
      </Query>
    </Panel>
  );
}

function lagBuckets(buckets: LagHistogram["buckets"]) {
  return buckets.map(({ up_to_seconds, events }, index) => ({
    label:
      up_to_seconds === null ? `> ${duration(buckets[index - 1]?.up_to_seconds ?? 0)}` : `≤ ${duration(up_to_seconds)}`,
    count: events,
  }));
}
