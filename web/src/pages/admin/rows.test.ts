import { expect, test } from "vitest";

import { rowsOf, rowsText } from "./rows";

test("a line names a dimension and the only values seen", () => {
  const rows = { plan: ["pro", "team"], region: ["eu:west"] };
  expect(rowsOf("plan: pro, team\n\n region : eu:west")).toEqual(rows);
  expect(rowsOf(rowsText(rows))).toEqual(rows);
  expect(rowsOf(" ")).toEqual({});
});

test.each(["plan", "plan:", ": pro", "plan: ,"])("%s is refused, so that nobody is let see all by a slip", (line) => {
  expect(rowsOf(line)).toHaveProperty("fault");
});
