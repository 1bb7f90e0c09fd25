import { useState, type FormEvent } from "react";

import { meant, time, typed } from "../format";
import { Pop } from "./Pop";
import { PRESETS } from "./ranges";
import { useView, type View } from "./state";

/** How far back, as a preset or as two typed instants in the viewer's zone. */
export function RangePicker() {
  const view = useView();
  const title = PRESETS.find(({ name }) => name === view.range)?.title ?? spanSaid(view);
  return (
    <Pop label={title} name={`Time range: ${title}`} tour="range">
      {(close) => (
        <div className="pu-range">
          <ul className="pu-menu">
            {PRESETS.map((preset) => (
              <li key={preset.name}>
                <button
                  type="button"
                  aria-pressed={preset.name === view.range}
                  onClick={() => {
                    view.set({ range: preset.name });
                    close();
                  }}
                >
                  {preset.title}
                </button>
              </li>
            ))}
          </ul>
          <Typed
            from={view.from}
            to={view.to}
            tz={view.tz}
            onPick={(from, to) => {
              view.set({ from, to });
              close();
            }}
          />
        </div>
      )}
    </Pop>
  );
}

interface TypedProps {
  from: string;
  to: string;
  tz: string;
  onPick: (from: string, to: string) => void;
}

/** Two instants as typed; the second is not part of the range. */
export function Typed({ from, to, tz, onPick }: TypedProps) {
  const [first, setFirst] = useState(() => typed(from, tz));
  const [last, setLast] = useState(() => typed(to, tz));
  const [wrong, setWrong] = useState("");
  function pick(event: FormEvent) {
    event.preventDefault();
    const [start, end] = [meant(first, tz), meant(last, tz)];
    if (start === null || end === null) setWrong("Type both a date and a time.");
    else if (start >= end) setWrong("The end must lie after the start.");
    else onPick(start, end);
  }
  return (
    <form className="pu-typed" onSubmit={pick} noValidate>
      <label>
        From
        <input type="datetime-local" value={first} onChange={(event) => setFirst(event.target.value)} />
      </label>
      <label>
        Up to, not including
        <input type="datetime-local" value={last} onChange={(event) => setLast(event.target.value)} />
      </label>
      <p className="pu-hint">Times in {tz}. Days are days of UTC, as the sums are kept.</p>
      {wrong ? (
        <p className="pu-wrong" role="alert">
          {wrong}
        </p>
      ) : null}
      <button type="submit" className="pu-button pu-button-first">
        Apply
      </button>
    </form>
  );
}

export function spanSaid({ from, to, tz }: Pick<View, "from" | "to" | "tz">): string {
  const whole = [from, to].every((each) => Date.parse(each) % 86_400_000 === 0);
  if (!whole) return `${time(from, tz, "minute")} – ${time(to, tz, "minute")}`;
  const last = new Date(Date.parse(to) - 1).toISOString().slice(0, 10);
  return from.slice(0, 10) === last ? last : `${from.slice(0, 10)} – ${last}`;
}
