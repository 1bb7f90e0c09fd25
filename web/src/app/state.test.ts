import { describe, expect, it } from "vitest";

import type { Project } from "../api/types";
import { filterOf, filterSaid, filterText, withFilter } from "./filters";
import { addressOf } from "./Views";
import { parseSearch, said, stringifySearch } from "./search";
import { spanned } from "./share";
import { applied, chosenOf, comparedOf, linkTo, questionOf, type Patch } from "./state";

const NOW = Date.parse("2026-11-25T10:20:30Z");
const PROJECT = {
  currency: "EUR",
  units: [{ name: "order" }, { name: "user" }],
  data: { first_event: "2026-01-01T00:00:00Z", latest_event: "2026-11-25T10:20:00Z" },
} as Project;

const chosen = (query: string, path = "/executive") => chosenOf(new URLSearchParams(query), path, PROJECT, NOW);

function after(query: string, patch: Patch): string {
  const at = new URLSearchParams(query);
  applied(at, patch);
  return said(at);
}

describe("the query of a link", () => {
  it("keeps what looks like a number, a list or a truth as it is written", () => {
    const text = "?f=plan:42&f=plan:007&id=1e5&q=true&empty=";
    expect(parseSearch(text)).toEqual({ f: ["plan:42", "plan:007"], id: "1e5", q: "true", empty: "" });
    expect(stringifySearch(parseSearch(text))).toBe(text);
  });

  it("leaves out what is unset", () => {
    expect(stringifySearch({ a: undefined, b: null, c: "x y" })).toBe("?c=x+y");
    expect(stringifySearch({})).toBe("");
  });
});

describe("what is compared", () => {
  const latest = PROJECT.data.latest_event;
  const compared = (query: string) => comparedOf(questionOf(chosen(query)), latest);

  it("is the whole days of what is shown", () => {
    const { from, to } = chosen("range=7d");
    expect(compared("range=7d")).toMatchObject({ from, to: "2026-11-25T00:00:00Z", compare: "previous" });
    expect(to).toBe("2026-11-26T00:00:00Z");
  });

  it("is the dates that were chosen by hand", () => {
    const dates = "from=2026-11-20&to=2026-11-26&compare=custom&compare_from=2026-10-20&compare_to=2026-10-26";
    expect(compared(dates)).toEqual(questionOf(chosen(dates)));
  });

  it("is nothing where no day is over, and where nothing is compared", () => {
    expect(compared("from=2026-11-25&to=2026-11-26&compare=week")).toBeNull();
    expect(compared("compare=off")).toBeNull();
  });
});

describe("what a link chooses", () => {
  it("is the page's own range, the first unit and the project's currency where it says nothing", () => {
    expect(chosen("")).toMatchObject({
      range: "30d",
      compare: "previous",
      unit: "order",
      currency: "EUR",
      grain: "day",
    });
    expect(chosen("", "/oncall")).toMatchObject({ range: "24h", compare: "off", grain: "hour" });
  });

  it("is two dates, at midnight UTC, where both are given", () => {
    expect(chosen("from=2026-11-01&to=2026-11-03&range=7d")).toMatchObject({
      range: "custom",
      from: "2026-11-01T00:00:00Z",
      to: "2026-11-03T00:00:00Z",
    });
  });

  it("falls back where it cannot be understood", () => {
    expect(chosen("from=2026-11-03&to=2026-11-01").range).toBe("30d");
    expect(chosen("range=forever").range).toBe("30d");
    expect(chosen("from=soon&to=later").range).toBe("30d");
  });

  it("begins with a range whose comparison has facts", () => {
    const young = { ...PROJECT, data: { ...PROJECT.data, first_event: "2026-10-26T00:00:00Z" } };
    expect(chosenOf(new URLSearchParams(), "/executive", young, NOW).range).toBe("14d");
    expect(chosenOf(new URLSearchParams("compare=off"), "/executive", young, NOW).range).toBe("30d");
    expect(chosenOf(new URLSearchParams("range=30d"), "/executive", young, NOW).range).toBe("30d");
  });

  it("asks for no comparison with own dates until both are there", () => {
    expect(questionOf(chosen("compare=custom")).compare).toBe("off");
    expect(questionOf(chosen("compare=custom&compare_from=2026-01-01&compare_to=2026-01-31"))).toMatchObject({
      compare: "custom",
      compare_from: "2026-01-01T00:00:00Z",
      compare_to: "2026-01-31T00:00:00Z",
    });
  });

  it("names the same question for the same link within a minute", () => {
    const [one, other] = [NOW, NOW + 20_000].map((now) =>
      questionOf(chosenOf(new URLSearchParams("range=1h"), "/oncall", PROJECT, now)),
    );
    expect(one).toEqual(other);
  });
});

describe("a change", () => {
  it("puts a preset in place of two dates, and two dates in place of a preset", () => {
    expect(after("?from=2026-11-01&to=2026-11-03&f=a:b", { range: "7d" })).toBe("?f=a:b&range=7d");
    expect(after("?range=7d&f=a:b", { from: "2026-11-01T00:00:00Z", to: "2026-11-01T06:30:00Z" })).toBe(
      "?f=a:b&from=2026-11-01&to=2026-11-01T06:30Z",
    );
  });

  it("leaves what it does not name, and takes away what it empties", () => {
    expect(after("?unit=user&by=plan&tz=UTC", { unit: "", filters: ["region:eu"] })).toBe(
      "?by=plan&tz=UTC&f=region:eu",
    );
    expect(after("?compare=custom&compare_from=2026-01-01&compare_to=2026-01-02", { compare: "off" })).toBe(
      "?compare=off",
    );
  });
});

describe("a link to another page", () => {
  it("carries what is looked at, and nothing that is the page's own", () => {
    expect(linkTo("?range=7d&f=plan:42&f=region!:eu&by=plan&sort=-units", "/debug")).toBe(
      "/debug?range=7d&f=plan:42&f=region!:eu",
    );
    expect(linkTo("?f=a:b&range=7d", "/units", { f: ["a:b", "c:d"], q: "x" })).toBe("/units?range=7d&f=a:b&f=c:d&q=x");
  });

  it("shows the same to everybody with its dates, zone and currency in it", () => {
    const view = { from: "2026-11-01T00:00:00Z", to: "2026-11-08T00:00:00Z", tz: "Europe/Berlin", currency: "EUR" };
    expect(spanned("https://x.example/executive?range=7d&by=plan", view)).toBe(
      "https://x.example/executive?by=plan&from=2026-11-01&to=2026-11-08&tz=Europe%2FBerlin&currency=EUR",
    );
  });

  it("stays inside the app whatever a saved view says", () => {
    expect(addressOf({ page: "//evil.example", state: "?range=7d" })).toBe("/evil.example?range=7d");
    expect(addressOf({ page: "executive", state: "" })).toBe("/executive");
  });
});

describe("a filter", () => {
  it("is read as it is written, whatever its values hold", () => {
    for (const values of [["eu"], ["a,b", "c:d", "50%", "!", "é x"], [""], ["", "eu"]])
      for (const exclude of [false, true]) {
        const filter = { dimension: "region", exclude, values };
        expect(filterOf(filterText(filter))).toEqual(filter);
      }
  });

  it("is none without a dimension", () => {
    expect(filterOf("eu")).toBeNull();
    expect(filterOf(":eu")).toBeNull();
    expect(filterOf("region:%zz")).toEqual({ dimension: "region", exclude: false, values: ["%zz"] });
  });

  it("takes further values of its dimension in, once, but not what it excludes", () => {
    const added = { dimension: "region", exclude: false, values: ["us", "eu"] };
    expect(withFilter(["region:eu", "plan:pro", "region!:sa"], added)).toEqual([
      "plan:pro",
      "region!:sa",
      "region:eu,us",
    ]);
  });

  it("says what it means", () => {
    expect(filterSaid({ dimension: "plan", exclude: true, values: ["pro", ""] })).toBe("plan is not pro or unknown");
  });
});
