import { describe, expect, test } from "vitest";

import type { View } from "../../app/state";
import { inOrderOf, segmentsQuestions } from "./questions";

const SHOWN = { from: "2026-03-01T00:00:00Z", to: "2026-03-04T00:00:00Z", measures: [], compare: "previous" };
const COMPARED = { ...SHOWN, to: "2026-03-03T00:00:00Z" };
const MEASURES = ["revenue", "contribution_margin_per_unit"];

function viewOf(compared: typeof COMPARED | null): View {
  return { question: SHOWN, compared } as unknown as View;
}

describe("segments", () => {
  test("what is shown is the whole range, and what is compared the days that are over", () => {
    const [shown, changes] = segmentsQuestions(viewOf(COMPARED), "plan", "-revenue", MEASURES);
    expect(shown).toMatchObject({ to: SHOWN.to, compare: "off", order: ["-revenue"], limit: 50 });
    expect(changes).toMatchObject({ to: COMPARED.to, compare: "previous", order: [] });
  });

  test("in order of their change, the order is that of what is compared", () => {
    const sort = "-contribution_margin_per_unit_change";
    const [shown, changes] = segmentsQuestions(viewOf(COMPARED), "plan", sort, MEASURES);
    expect(shown).toMatchObject({ order: [], limit: 1_000 });
    expect(changes).toMatchObject({ order: [sort] });
  });

  test("without a comparison, or without money, no change is asked for", () => {
    const sort = "contribution_margin_per_unit_change";
    expect(segmentsQuestions(viewOf(null), "plan", sort, MEASURES)).toMatchObject([{ order: [] }]);
    expect(segmentsQuestions(viewOf(COMPARED), "plan", "units", ["units"])).toHaveLength(1);
  });

  test("rows of which no change is known stand last, none is lost", () => {
    const rows = ["free", "new", "pro", "team"].map((plan) => ({ plan }));
    const changes = ["team", "gone", "free", "pro"].map((plan) => ({ plan }));
    expect(inOrderOf(changes, rows, "plan").map(({ plan }) => plan)).toEqual(["team", "free", "pro", "new"]);
  });
});
