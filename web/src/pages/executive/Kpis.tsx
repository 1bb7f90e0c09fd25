import type { UseQueryResult } from "@tanstack/react-query";

import type { Problem } from "../../api/client";
import { usePermissions } from "../../api/hooks";
import type { Figures, Result } from "../../api/types";
import { useExplain } from "../../app/explaining";
import { useView } from "../../app/state";
import { Sparkline } from "../../charts";
import { delta, money, value } from "../../format";
import { Badge, ErrorState, Kpi, Skeleton } from "../../parts";
import { amount, figuresAt, filled } from "../answers";
import { AT } from "./questions";

interface Tile {
  measure: string;
  total: number;
  trend: number | null;
}

const TILES: readonly Tile[] = [
  { measure: "units", total: AT.work, trend: AT.workTrend },
  { measure: "revenue", total: AT.money, trend: AT.moneyTrend },
  { measure: "variable_cost", total: AT.money, trend: AT.moneyTrend },
  { measure: "contribution_margin", total: AT.money, trend: AT.moneyTrend },
  { measure: "contribution_margin_per_unit", total: AT.money, trend: AT.moneyTrend },
  { measure: "success_rate", total: AT.work, trend: AT.workTrend },
  { measure: "reconciliation_score", total: AT.bills, trend: null },
];

interface KpisProps {
  of: UseQueryResult<Result[], Problem>;
  against: string;
  lacking: boolean;
}

/** The figures a leader asks for first, each with its course, its change and its explanation. */
export function Kpis({ of, against, lacking }: KpisProps) {
  const results = of.data;
  const seesMoney = usePermissions().has("measures:financial");
  if (results === undefined)
    return (
      <div className="pu-kpis">
        {TILES.filter(({ total }) => seesMoney || total === AT.work).map(({ measure }) => (
          <Skeleton key={measure} height={108} />
        ))}
        {seesMoney ? null : (
          <div className="pu-kpis-refused">
            <Skeleton height={123} />
          </div>
        )}
      </div>
    );
  const refused = refusals(results);
  return (
    <div className="pu-kpis" data-tour="kpis">
      {TILES.map((tile) => {
        const total = figuresAt(results, tile.total);
        if (total === null) return null;
        return (
          <Figure
            key={tile.measure}
            measure={tile.measure}
            total={total}
            course={tile.trend === null ? null : figuresAt(results, tile.trend)}
            change={figuresAt(results, AT.changes + tile.total)}
            against={against}
            lacking={lacking}
          />
        );
      })}
      {refused.map((problem) => (
        <div key={problem.detail} className="pu-kpis-refused">
          <ErrorState error={problem} />
        </div>
      ))}
    </div>
  );
}

interface FigureProps {
  measure: string;
  total: Figures;
  course: Figures | null;
  /** What is compared, which may be less than what is shown: a day that still goes on is like no other. */
  change: Figures | null;
  against: string;
  /** The period compared with began before there were facts: a change would say nothing. */
  lacking: boolean;
}

function Figure({ measure, total, course, change, against, lacking }: FigureProps) {
  const explain = useExplain();
  const view = useView();
  const entry = total.measures.find(({ name }) => name === measure);
  const row = total.rows[0] ?? {};
  if (!entry) return null;
  const { unit, good } = entry;
  const now = amount(row[measure]);
  const whole = total.filters.length === 0 && view.filters.length > 0;
  const compared = lacking ? null : change?.rows[0];
  const rows = course ? filled(course.rows, course.grain) : [];
  return (
    <Kpi
      title={entry.title}
      value={<span title={value(now, unit, total.currency)}>{short(now, unit, total.currency)}</span>}
      delta={
        compared
          ? delta({
              now: amount(compared[measure]),
              before: amount(compared[`${measure}_before`]),
              unit,
              good,
              currency: total.currency,
            })
          : null
      }
      against={against}
      spark={
        rows.length > 1 ? (
          <Sparkline
            values={rows.map((each) => amount(each[measure]))}
            incomplete={rows.at(-1)?.["complete"] === false}
          />
        ) : null
      }
      status={whole ? <Badge title="Bills are reconciled whole, so filters do not apply">all segments</Badge> : null}
      onExplain={() => explain({ measure, filters: total.filters })}
    />
  );
}

/** Each reason once: several figures are not shown for the same one. */
function refusals(results: readonly Result[]) {
  const found = [AT.money, AT.work, AT.bills].flatMap((at) => {
    const result = results[at];
    return result && "problem" in result ? [result.problem] : [];
  });
  return [...new Map(found.map((problem) => [problem.permission ?? problem.detail, problem])).values()];
}

// A tile has room for about eleven letters; its title has all of it.
function short(now: string | number | null, unit: string, currency: string): string {
  const whole = value(now, unit, currency);
  return unit === "money" && whole.length > 11 ? money(now, currency, { compact: true }) : whole;
}
