import { useMemo } from "react";

import { useApi, useFigures } from "../../api/hooks";
import { Link } from "../../app/Link";
import { useLive } from "../../app/live";
import { useLinkTo, useParam, useProject, useView } from "../../app/state";
import type { Annotation } from "../../charts/annotations";
import { Empty, Panel, Select, Shown } from "../../parts";
import { lastMinutes } from "../answers";
import { Changes } from "./Changes";
import { Impacted } from "./Impacted";
import { LosingNow } from "./LosingNow";
import "./oncall.css";
import { Overview } from "./Overview";
import { Ranking } from "./Ranking";

const SPANS = ["5", "15", "60"] as const;

/** What a first responder needs: what fails, what it costs a minute, where, and what was changed before. */
export default function Oncall() {
  const view = useView();
  const project = useProject();
  const live = useLive();
  const linkTo = useLinkTo();
  const latest = live.latest?.latest_event ?? project.data.latest_event;
  // Changes of the day before the view may be why something fails in it.
  const lately = useApi<{ annotations: Annotation[] }>("/annotations", { from: dayBefore(view.from), to: view.to });
  const marks = useMemo(() => lately.data?.annotations ?? [], [lately.data]);
  return (
    <>
      <div className="pu-page-head">
        <h1>On-call</h1>
        <p className="pu-hint">
          Is it working, what does it cost while it does not, and where.{" "}
          <Link href={linkTo("/debug")}>Debug this view</Link>
        </p>
      </div>
      {latest === null ? (
        <Empty title="No events yet">Send events, and this page follows them.</Empty>
      ) : (
        <div className="pu-grid">
          <Losing latest={latest} />
          <Overview annotations={marks} />
          <Ranking />
          <Panel
            title="Changed before"
            note="Deployments, flags and price changes, the latest first"
            className="pu-half"
          >
            {marks.length === 0 ? (
              <Empty title="Nothing noted">
                POST /api/v1/annotations from your deployment pipeline, and releases stand here and above the charts.
              </Empty>
            ) : (
              <Changes annotations={marks} until={earlier(latest, view.to)} tz={view.tz} />
            )}
          </Panel>
          <Impacted />
        </div>
      )}
    </>
  );
}

function Losing({ latest }: { latest: string }) {
  const view = useView();
  const [span, setSpan] = useParam("span", "15");
  const minutes = Number(SPANS.find((each) => each === span) ?? "15");
  const measures = ["revenue_loss", "failures", "attempts"];
  const whole = { ...view.question, measures, compare: "week" };
  const figures = useFigures([{ ...whole, ...lastMinutes(latest, view.to, minutes) }, whole]);
  return (
    <Panel
      title="Losing now"
      note="An estimate: failures × revenue ÷ successes; an upper bound where attempts are made again"
      tour="losing-now"
      actions={
        <Select
          label="Over the last"
          value={String(minutes)}
          options={SPANS.map((each) => [each, `${each} minutes`] as const)}
          onChange={setSpan}
        />
      }
    >
      <div className="pu-losing-room">
        <Shown of={figures} at={0} height={92}>
          {(now) => (
            <Shown of={figures} at={1} height={92}>
              {(elapsed) => <LosingNow now={now} elapsed={elapsed} minutes={minutes} tz={view.tz} />}
            </Shown>
          )}
        </Shown>
      </div>
    </Panel>
  );
}

function dayBefore(iso: string): string {
  return new Date(Date.parse(iso) - 86_400_000).toISOString();
}

function earlier(one: string, other: string): string {
  return Date.parse(one) < Date.parse(other) ? one : other;
}
