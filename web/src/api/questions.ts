/** A question as parameters of a GET. Enters: what POST /queries takes. Leaves: what /query, /explain, /export take. */

import { queryOf, ROOT, type Params } from "./client";
import type { Question } from "./types";

export function paramsOf(question: Question): Params {
  const { measures, filters, ...rest } = question;
  return { measure: measures, ...rest, ...(filters ? { filter: filters } : {}) };
}

/** Where the browser fetches a whole table as a file. */
export function exportAddress(question: Question, format: "csv" | "parquet"): string {
  // All of it: what a page shows first is no limit of its file.
  const { limit: _limit, points_max: _points, ...whole } = question;
  return `${ROOT}/export${queryOf({ ...paramsOf(whole), format })}`;
}
