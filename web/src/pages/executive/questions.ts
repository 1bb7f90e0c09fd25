/** What the executive page asks. Enters: what is looked at. Leaves: questions, in the order the page reads them. */

import type { Question, Row } from "../../api/types";
import type { View } from "../../app/state";

export const MONEY = ["revenue", "variable_cost", "contribution_margin", "contribution_margin_per_unit"] as const;
export const WORK = ["units", "success_rate"] as const;
export const SEGMENTS_MAX = 50;
/** What of a segment is compared with the period before. */
export const CHANGING = "contribution_margin_per_unit";
/** As many segments as an answer has room for. */
const ALL = 1_000;
export const LOSERS_MAX = 8;

/** Where each answer is: money and work are asked apart, so that who may not see one sees the other. */
export const AT = { money: 0, work: 1, bills: 2, moneyTrend: 3, workTrend: 4, losers: 5, changes: 6 } as const;

export function questionsOf(view: View, dimension: string): Question[] {
  const { question, grain, compared } = view;
  const trend = { ...question, grain, points_max: 1_000 };
  return [
    ...totalsOf({ ...question, compare: "off" }),
    { ...trend, measures: [...MONEY] },
    { ...trend, measures: [...WORK], compare: "off" },
    { ...losersOf(question, dimension) },
    ...(compared ? totalsOf(compared) : []),
  ];
}

/** Money, work and bills; bills are reconciled whole, so that there are no segments to filter them by. */
function totalsOf(question: Question): Question[] {
  return [
    { ...question, measures: [...MONEY] },
    { ...question, measures: [...WORK] },
    { ...question, filters: [], measures: ["reconciliation_score"] },
  ];
}

/** Segments by their margin, the worst first. */
function losersOf(question: Question, dimension: string): Question {
  return {
    ...question,
    compare: "off",
    measures: ["contribution_margin"],
    by: [dimension],
    order: ["contribution_margin"],
    limit: LOSERS_MAX,
  };
}

/** The columns of the segment table that a viewer may see. */
export function segmentMeasures(may: ReadonlySet<string>): string[] {
  return [
    ...(may.has("measures:financial")
      ? ["revenue", "variable_cost", "contribution_margin", "revenue_per_unit", "cost_per_unit", "contribution_margin_per_unit"]
      : []),
    ...(may.has("measures:operational") ? ["units", "success_rate"] : []),
  ]; // prettier-ignore
}

/** The segments, and (where there is anything to compare with) how each changed. In order of their change all are
 * asked for: the change is of what is compared, which may be less than what is shown. */
export function segmentsQuestions(view: View, dimension: string, sort: string, measures: string[]): Question[] {
  const { question, compared } = view;
  const byChange = ofChange(sort);
  const order = byChange ? [] : [sort];
  const shown = { ...question, compare: "off", measures, by: [dimension], order, limit: byChange ? ALL : SEGMENTS_MAX };
  if (compared === null || !measures.includes(CHANGING)) return [shown];
  return [shown, { ...compared, measures: [CHANGING], by: [dimension], order: byChange ? [sort] : [], limit: ALL }];
}

export function ofChange(sort: string): boolean {
  return sort.replace(/^-/, "") === `${CHANGING}_change`;
}

/** The rows in the order of their changes; those of which no change is known stand last. */
export function inOrderOf(changes: readonly Row[], rows: readonly Row[], dimension: string): Row[] {
  const places = new Map(changes.map((row, place) => [row[dimension], place]));
  const placeOf = (row: Row) => places.get(row[dimension]) ?? rows.length + changes.length;
  return rows.toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** What one segment's usage costs, by meter. */
export function driversQuestion(question: Question, filters: string[]): Question {
  return { ...question, filters, measures: ["usage_cost"], by: ["meter"], order: ["-usage_cost"], limit: 12 };
}
