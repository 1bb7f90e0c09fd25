import { Fragment, type ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";

import type { Problem } from "../../api/client";
import type { Result } from "../../api/types";
import type { View } from "../../app/state";
import { TimeSeries, type Series } from "../../charts";
import type { Annotation } from "../../charts/annotations";
import { Panel, Shown } from "../../parts";
import { timelineOf } from "../answers";
import { AT } from "./questions";

interface TrendsProps {
  of: UseQueryResult<Result[], Problem>;
  view: View;
  annotations: readonly Annotation[];
  against: string;
  /** What stands beside the first of them. */
  children: ReactNode;
}

interface Trend {
  title: string;
  note: string;
  measures: string[];
  tour: string;
  before?: string;
}

/** Revenue and cost, what is left of them, and what that is for each unit. */
export function Trends({ of, view, annotations, against, children }: TrendsProps) {
  const per = view.grain === "total" ? "" : ` per ${view.grain}`;
  const trends: Trend[] = [
    {
      title: `Revenue and cost${per}`,
      note: "What came in, and what serving it cost",
      measures: ["revenue", "variable_cost"],
      tour: "cost-trend",
    },
    {
      title: `Contribution margin${per}`,
      note: "Revenue less variable cost",
      measures: ["contribution_margin"],
      tour: "margin",
    },
    {
      title: `Margin per ${view.unit}`,
      note: "Contribution margin for each, so that growth does not hide a decline",
      measures: ["contribution_margin_per_unit"],
      tour: "margin-trend",
      before: "contribution_margin_per_unit_before",
    },
  ];
  return trends.map((trend, at) => (
    <Fragment key={trend.tour}>
      <Panel title={trend.title} note={trend.note} className={at === 0 ? "pu-two-thirds" : "pu-half"} tour={trend.tour}>
        <Shown of={of} at={AT.moneyTrend} height={260}>
          {(figures) => {
            const line = timelineOf(figures, trend.measures);
            const before = trend.before && figures.compared_with ? beforeOf(figures, trend.before, against) : [];
            return (
              <TimeSeries
                title={trend.title}
                series={[...line.series, ...before]}
                times={line.times}
                grain={figures.grain}
                tz={view.tz}
                unit={line.unit}
                currency={figures.currency}
                annotations={annotations}
                height={190}
                onZoom={(from, to) => view.set({ from, to })}
              />
            );
          }}
        </Shown>
      </Panel>
      {at === 0 ? children : null}
    </Fragment>
  ));
}

/** The same buckets of the period compared with. */
function beforeOf(figures: Parameters<typeof timelineOf>[0], column: string, against: string): Series[] {
  const { series } = timelineOf(figures, [column]);
  return series.map((each) => ({ ...each, label: against, color: 8, dashedFrom: null }));
}
