import { useState, type FormEvent } from "react";

import { meant, typed } from "../format";
import { endOf } from "./buckets";

interface ZoomProps {
  times: readonly string[];
  grain: string;
  tz: string;
  onZoom: (from: string, to: string) => void;
}

/** The typed twin of dragging: from and up to, in the viewer's timezone. */
export function Zoom({ times, grain, tz, onZoom }: ZoomProps) {
  const [fault, setFault] = useState("");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const from = meant(String(form.get("from")), tz);
    const to = meant(String(form.get("to")), tz);
    if (!from || !to) return setFault("Type both times.");
    if (from >= to) return setFault("The end must be after the start.");
    setFault("");
    onZoom(from, to);
  };
  const last = times.at(-1);
  return (
    <form className="pu-chart-zoom" onSubmit={submit} aria-label="Zoom to a time range">
      <label>
        From <input type="datetime-local" name="from" required defaultValue={times[0] ? typed(times[0], tz) : ""} />
      </label>
      <label>
        Up to{" "}
        <input type="datetime-local" name="to" required defaultValue={last ? typed(endOf(last, grain), tz) : ""} />
      </label>
      <button type="submit">Zoom</button>
      <span className="pu-chart-zone">{tz}</span>
      {fault ? <span role="alert">{fault}</span> : null}
    </form>
  );
}
