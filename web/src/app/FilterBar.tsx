import { useState } from "react";

import type { Project } from "../api/types";
import { Select } from "../parts";
import { AddFilter } from "./AddFilter";
import { filterOf, filterSaid, filterText } from "./filters";
import { Icon } from "./Icon";
import { Pop } from "./Pop";
import type { Control } from "./pages";
import { RangePicker, spanSaid, Typed } from "./RangePicker";
import { COMPARES, PRESETS } from "./ranges";
import { useProject, useView, type View } from "./state";

/** What is looked at: time, comparison, unit, filters, money, zone. Everything is in the address. */
export function FilterBar({ controls }: { controls: readonly Control[] }) {
  const view = useView();
  const project = useProject();
  const [open, setOpen] = useState(false);
  if (controls.length === 0) return null;
  const has = (control: Control) => controls.includes(control);
  return (
    <section className={open ? "pu-filters pu-filters-open" : "pu-filters"} aria-label="What is looked at">
      <button type="button" className="pu-filters-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span>{summary(view, controls)}</span>
        <span className="pu-filters-word">{open ? "Done" : "Change"}</span>
      </button>
      <div className="pu-filters-row">
        {has("range") ? <RangePicker /> : null}
        {has("compare") ? <Compare view={view} /> : null}
        {has("unit") ? <Units view={view} project={project} /> : null}
        {has("grain") ? <Grain view={view} project={project} /> : null}
        {has("currency") ? (
          <Select
            label="Currency"
            value={view.currency}
            options={project.currencies.map((name) => [name, name])}
            onChange={(currency) => view.set({ currency: currency === project.currency ? "" : currency })}
          />
        ) : null}
        {has("range") ? <Zone view={view} /> : null}
        {has("filters") ? <Chips view={view} project={project} /> : null}
      </div>
    </section>
  );
}

function Compare({ view }: { view: View }) {
  return (
    <>
      <Select
        label="Compare with"
        value={view.compare}
        options={COMPARES.map(({ name, title }) => [name, title])}
        onChange={(compare) => view.set({ compare })}
      />
      {view.compare === "custom" ? (
        <Pop
          label={
            view.compareFrom && view.compareTo
              ? spanSaid({ from: view.compareFrom, to: view.compareTo, tz: view.tz })
              : "Choose dates"
          }
          name="Dates to compare with"
        >
          {(close) => (
            <Typed
              from={view.compareFrom ?? view.from}
              to={view.compareTo ?? view.to}
              tz={view.tz}
              onPick={(compareFrom, compareTo) => {
                view.set({ compareFrom, compareTo });
                close();
              }}
            />
          )}
        </Pop>
      ) : null}
    </>
  );
}

function Units({ view, project }: { view: View; project: Project }) {
  if (project.units.length < 2) return null;
  return (
    <Select
      label="Unit"
      value={view.unit}
      options={project.units.map(({ name }) => [name, name])}
      onChange={(unit) => view.set({ unit: unit === project.units[0]?.name ? "" : unit })}
    />
  );
}

function Grain({ view, project }: { view: View; project: Project }) {
  const grains = project.grains.filter((grain) => grain !== "total");
  return (
    <Select
      label="By"
      value={view.grainChosen}
      options={[["", `auto (${view.grain})`], ...grains.map((grain): [string, string] => [grain, grain])]}
      onChange={(grain) => view.set({ grain })}
    />
  );
}

function Zone({ view }: { view: View }) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const names = [...new Set([view.tz, own, "UTC", ...Intl.supportedValuesOf("timeZone")])];
  return (
    <Select
      label="Time zone"
      value={view.tz}
      options={names.map((name) => [name, name.replaceAll("_", " ")])}
      onChange={(tz) => view.set({ tz: tz === own ? "" : tz })}
    />
  );
}

function Chips({ view, project }: { view: View; project: Project }) {
  const change = (index: number, text: string | null) =>
    view.set({ filters: view.filters.flatMap((each, at) => (at !== index ? [each] : text === null ? [] : [text])) });
  return (
    <div className="pu-chips">
      <ul aria-label="Filters">
        {view.filters.map((text, index) => {
          const filter = filterOf(text);
          const words = filter ? filterSaid(filter) : text;
          return (
            <li key={text} className="pu-chip">
              {filter ? (
                <button
                  type="button"
                  title={filter.exclude ? "Excluded; press to include instead" : "Included; press to exclude instead"}
                  onClick={() => change(index, filterText({ ...filter, exclude: !filter.exclude }))}
                >
                  {words}
                </button>
              ) : (
                <span>{words}</span>
              )}
              <button type="button" aria-label={`Remove filter ${words}`} onClick={() => change(index, null)}>
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
      <AddFilter dimensions={project.dimensions} view={view} />
      {view.filters.length > 1 ? (
        <button type="button" className="pu-button pu-button-quiet" onClick={() => view.set({ filters: [] })}>
          Clear all
        </button>
      ) : null}
    </div>
  );
}

function summary(view: View, controls: readonly Control[]): string {
  const words: string[] = [];
  if (controls.includes("range")) words.push(PRESETS.find(({ name }) => name === view.range)?.title ?? spanSaid(view));
  if (controls.includes("compare") && view.compare !== "off")
    words.push(`against ${COMPARES.find(({ name }) => name === view.compare)?.title.toLowerCase() ?? view.compare}`);
  if (controls.includes("filters") && view.filters.length > 0)
    words.push(`${view.filters.length} ${view.filters.length === 1 ? "filter" : "filters"}`);
  return words.join(" · ") || view.currency;
}
