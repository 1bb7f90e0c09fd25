/** Refused rows over time. Enters: counts by source and bucket. Leaves: one series each of what was refused and why. */

import type { Series } from "../../charts";
import type { Rates } from "../../api/schema";

/** The rules that refuse most stand alone; the rest come together. */
const RULES_SHOWN = 3;

export function refusedOf({ rows }: Rates): { times: string[]; series: Series[] } {
  const times = [...new Set(rows.map(({ bucket }) => bucket))].sort();
  const sums = new Map<string, Map<string, number>>();
  for (const { bucket, rules } of rows)
    for (const [rule, refused] of Object.entries(rules)) {
      const by = sums.get(rule) ?? sums.set(rule, new Map()).get(rule)!;
      by.set(bucket, (by.get(bucket) ?? 0) + refused);
    }
  const total = (by: Map<string, number>) => [...by.values()].reduce((sum, each) => sum + each, 0);
  const ranked = [...sums].sort(([, one], [, other]) => total(other) - total(one));
  const all = rows.reduce(
    (by, { bucket, rejected }) => by.set(bucket, (by.get(bucket) ?? 0) + rejected),
    new Map<string, number>(),
  );
  const valuesOf = (by: Map<string, number>) => times.map((time) => by.get(time) ?? 0);
  return {
    times,
    series: [
      { name: "rejected", label: "All refused", values: valuesOf(all) },
      ...ranked.slice(0, RULES_SHOWN).map(([rule, by]) => ({ name: rule, label: rule, values: valuesOf(by) })),
    ],
  };
}
