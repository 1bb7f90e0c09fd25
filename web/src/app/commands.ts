/** What the palette offers: pages, ranges, filters by value, looks. */

import type { Project } from "../api/types";
import { filterSaid, withFilter } from "./filters";
import { PAGES } from "./pages";
import type { Command } from "./Palette";
import { COMPARES, PRESETS } from "./ranges";
import type { View } from "./state";

export function commandsOf(
  view: View,
  project: Project,
  may: ReadonlySet<string>,
  go: (path: string) => void,
  acts: readonly Command[],
): Command[] {
  const allowed = PAGES.filter(({ needs }) => needs.length === 0 || needs.some((each) => may.has(each)));
  return [
    ...allowed.map(({ title, path }) => ({ title, group: "Go to", act: () => go(path) })),
    ...acts,
    ...PRESETS.map(({ name, title }) => ({ title, group: "Time range", act: () => view.set({ range: name }) })),
    ...COMPARES.filter(({ name }) => name !== "custom").map(({ name, title }) => ({
      title,
      group: "Compare with",
      act: () => view.set({ compare: name }),
    })),
    ...project.dimensions.flatMap(({ name, values }) =>
      values.map((value) => {
        const filter = { dimension: name, exclude: false, values: [value] };
        return {
          title: filterSaid(filter),
          group: "Filter",
          act: () => view.set({ filters: withFilter(view.filters, filter) }),
        };
      }),
    ),
  ];
}
