import { useId, useState, type FormEvent } from "react";

import type { Dimension } from "../api/types";
import { withFilter } from "./filters";
import { Icon } from "./Icon";
import { Pop } from "./Pop";
import type { View } from "./state";

const SHOWN_MAX = 60;

/** Adds one filter: a dimension, then values of it, picked or typed. */
export function AddFilter({ dimensions, view }: { dimensions: readonly Dimension[]; view: View }) {
  return (
    <Pop
      className="pu-button pu-button-quiet pu-add-filter"
      label={
        <>
          <Icon name="plus" /> Filter
        </>
      }
    >
      {(close) => <Form dimensions={dimensions} view={view} onDone={close} />}
    </Pop>
  );
}

function Form({ dimensions, view, onDone }: { dimensions: readonly Dimension[]; view: View; onDone: () => void }) {
  const [name, setName] = useState(dimensions[0]?.name ?? "");
  const [search, setSearch] = useState("");
  const [exclude, setExclude] = useState(false);
  const [values, setValues] = useState<readonly string[]>([]);
  const id = useId();
  const dimension = dimensions.find((each) => each.name === name);
  const found = (dimension?.values ?? []).filter((value) => value.toLowerCase().includes(search.toLowerCase()));
  // A value that is not listed can be typed all the same: lists of many values are cut short.
  const other = dimension?.truncated && search && !dimension.values.includes(search) ? [search] : [];
  const shown = [...other, ...found.slice(0, SHOWN_MAX), ...(search ? [] : [""])];
  function apply(event: FormEvent) {
    event.preventDefault();
    if (values.length > 0)
      view.set({ filters: withFilter(view.filters, { dimension: name, exclude, values: [...values] }) });
    onDone();
  }
  return (
    <form className="pu-filter-form" onSubmit={apply}>
      <label>
        Dimension
        <select
          value={name}
          onChange={(event) => {
            setName(event.target.value);
            setValues([]);
            setSearch("");
          }}
        >
          {dimensions.map((each) => (
            <option key={each.name}>{each.name}</option>
          ))}
        </select>
      </label>
      <label>
        Find a value
        <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
      </label>
      <fieldset aria-describedby={id}>
        <legend className="pu-hidden">Values</legend>
        {shown.map((value) => (
          <label key={value} className="pu-tick">
            <input
              type="checkbox"
              checked={values.includes(value)}
              onChange={(event) =>
                setValues(event.target.checked ? [...values, value] : values.filter((each) => each !== value))
              }
            />
            {value || <em>unknown</em>}
          </label>
        ))}
      </fieldset>
      <p id={id} className="pu-hint">
        {found.length > SHOWN_MAX ? `${found.length - SHOWN_MAX} more; type to find them. ` : ""}
        {dimension?.truncated ? "Not every value is listed; others can be typed." : ""}
      </p>
      <label className="pu-tick">
        <input type="checkbox" checked={exclude} onChange={(event) => setExclude(event.target.checked)} />
        Exclude them
      </label>
      <button type="submit" className="pu-button pu-button-first" disabled={values.length === 0}>
        Apply
      </button>
    </form>
  );
}
