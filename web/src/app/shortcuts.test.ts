import { describe, expect, it } from "vitest";

import { matching } from "./Palette";
import { homeOf, PAGES, pageOf } from "./pages";
import { askedBy, typing, type Key } from "./shortcuts";

const key = (name: string, held: Partial<Key> = {}): Key => ({
  key: name,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});

describe("a key", () => {
  it("asks for what the sheet says", () => {
    expect(askedBy(key("?"), 0, 0, true)).toEqual({ do: "help" });
    expect(askedBy(key("/"), 0, 0, true)).toEqual({ do: "filter" });
    expect(askedBy(key("k", { metaKey: true }), 0, 0, true)).toEqual({ do: "palette" });
    expect(askedBy(key("K", { ctrlKey: true }), 0, 0, true)).toEqual({ do: "palette" });
  });

  it("after g goes to a page, for a while", () => {
    const first = askedBy(key("g"), 0, 1_000, true);
    expect(first).toMatchObject({ do: "wait" });
    const until = (first as { until: number }).until;
    expect(askedBy(key("o"), until, 1_100, true)).toEqual({ do: "go", path: "/oncall" });
    expect(askedBy(key("e"), until, 1_100, true)).toEqual({ do: "go", path: "/executive" });
    expect(askedBy(key("d"), until, 1_100, true)).toEqual({ do: "go", path: "/debug" });
    expect(askedBy(key("o"), until, until + 1, true)).toBeNull();
    expect(askedBy(key("?"), until, 1_100, true)).toBeNull();
  });

  it("alone asks nothing where single keys are off or a field has it, but the palette still opens", () => {
    for (const name of ["?", "/", "g", "p"]) expect(askedBy(key(name), 0, 0, false)).toBeNull();
    expect(askedBy(key("k", { ctrlKey: true }), 0, 0, false)).toEqual({ do: "palette" });
  });

  it("with Alt or Ctrl is the browser's own", () => {
    for (const held of [{ altKey: true }, { ctrlKey: true }, { metaKey: true }])
      expect(askedBy(key("g", held), 0, 0, true)).toBeNull();
  });

  it("belongs to the field that is focused", () => {
    const made = (name: string) => document.createElement(name);
    expect(["input", "textarea", "select"].map((name) => typing(made(name)))).toEqual([true, true, true]);
    expect([made("button"), made("div"), null].map(typing)).toEqual([false, false, false]);
  });
});

describe("pages", () => {
  it("have a letter each", () => {
    expect(new Set(PAGES.map((page) => page.key)).size).toBe(PAGES.length);
  });

  it("are found from any path under them", () => {
    expect(pageOf("/units/order/o-1")?.path).toBe("/units");
    expect(pageOf("/unitsandmore")).toBeUndefined();
  });

  it("begin where a role works", () => {
    expect(["oncall", "engineer", "finance", undefined].map(homeOf)).toEqual([
      "/oncall",
      "/debug",
      "/executive",
      "/executive",
    ]);
  });
});

describe("the palette", () => {
  const commands = ["plan is pro", "Executive", "Last 7 days", "region is eu-prod"].map((title) => ({
    title,
    group: title.includes(" is ") ? "Filter" : "Go to",
    act: () => {},
  }));

  it("finds by any words, in any order, those that begin with them first", () => {
    expect(matching(commands, "pro filter").map(({ title }) => title)).toEqual(["plan is pro", "region is eu-prod"]);
    expect(matching(commands, "e")[0]?.title).toBe("Executive");
    expect(matching(commands, "")).toHaveLength(4);
    expect(matching(commands, "zzz")).toEqual([]);
  });
});
