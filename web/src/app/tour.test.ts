import { describe, expect, it } from "vitest";

import type { Story } from "../api/types";
import { begun, FRESH, moved, parsed, placeOf, selectorOf } from "./tour";

const step = (title: string) => ({ title, text: "", link: "/executive", highlight: null });
const STORIES: Story[] = [
  { id: "one", title: "One", intro: "", steps: [step("a"), step("b")] },
  { id: "two", title: "Two", intro: "", steps: [step("c")] },
];

describe("a tour", () => {
  it("goes through a story, and marks it seen at its end", () => {
    let progress = begun(FRESH, "one");
    expect(placeOf(STORIES, progress)?.step.title).toBe("a");
    progress = moved(STORIES, progress, 1);
    expect(placeOf(STORIES, progress)?.step.title).toBe("b");
    progress = moved(STORIES, progress, 1);
    expect(placeOf(STORIES, progress)).toBeNull();
    expect(progress.done).toEqual(["one"]);
    expect(moved(STORIES, moved(STORIES, begun(progress, "one"), 1), 1).done).toEqual(["one"]);
  });

  it("goes back, and before the first step to the stories", () => {
    const second = moved(STORIES, begun(FRESH, "one"), 1);
    expect(placeOf(STORIES, moved(STORIES, second, -1))?.at).toBe(0);
    expect(moved(STORIES, begun(FRESH, "one"), -1)).toEqual(FRESH);
  });

  it("goes on where it was left, whatever has become of the stories", () => {
    const kept = parsed(JSON.stringify({ story: "one", step: 9, done: ["two", 3] }));
    expect(placeOf(STORIES, kept)?.step.title).toBe("b");
    expect(kept.done).toEqual(["two"]);
    expect(placeOf(STORIES, { ...kept, story: "gone" })).toBeNull();
    expect(placeOf([{ ...STORIES[0]!, steps: [] }], begun(FRESH, "one"))).toBeNull();
    for (const text of [null, "", "{", "[]", '{"step":-1}']) expect(parsed(text)).toEqual(FRESH);
  });

  it("points at what a page has named, or at a selector", () => {
    expect(selectorOf("cost-trend")).toBe('[data-tour="cost-trend"]');
    expect(selectorOf("#main h1")).toBe("#main h1");
  });
});
