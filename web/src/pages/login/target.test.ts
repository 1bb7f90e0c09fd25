import { expect, test } from "vitest";

import { targetOf } from "./target";

test("a page of this app is kept with its query", () => {
  expect(targetOf("/oncall?range=24h&f=plan:pro")).toBe("/oncall?range=24h&f=plan:pro");
});

test.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/login?to=/", null])(
  "%s leads home instead",
  (to) => expect(targetOf(to)).toBe("/"),
);
