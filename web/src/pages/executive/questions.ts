/** What the executive page asks. Enters: what is looked at. Leaves: questions, in the order the page reads them. */

import type { Question } from "../../api/types";
import type { View } from "../../app/state";

export const MONEY = ["revenue", "variable_cost", "contribution_margin", "contribution_margin_per_unit"] as const;
export const WORK = ["units", "success_rate"] as const;
export const SEGMENTS_MAX = 50;
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

export function segmentsQuestion(view: View, dimension: string, sort: string, measures: string[]): Question {
  return { ...view.question, measures, by: [dimension], order: [sort], limit: SEGMENTS_MAX };
}

/** What one segment's usage costs, by meter. */
export function driversQuestion(question: Question, filters: string[]): Question {
  return { ...question, filters, measures: ["usage_cost"], by: ["meter"], order: ["-usage_cost"], limit: 12 };
}
