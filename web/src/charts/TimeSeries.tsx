import { useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import "uplot/dist/uPlot.min.css";

import { time, value } from "../format";
import type { Annotation } from "./annotations";
import { endOf, isOpen, ranged } from "./buckets";
import "./charts.css";
import { moved } from "./cursor";
import { DataTable } from "./DataTable";
import { Key } from "./Key";
import { summary, type PlotLook, type Series, type Target } from "./plot";
import { download, painted } from "./png";
import { Rail } from "./Rail";
import { usePlot, type Geometry } from "./usePlot";
import { Zoom } from "./Zoom";

export interface TimeSeriesProps {
  title: string;
  series: readonly Series[];
  /** Starts of the buckets, RFC 3339, rising. */
  times: readonly string[];
  grain: string;
  tz: string;
  unit: string;
  currency?: string | null | undefined;
  /** What happened meanwhile; an empty list keeps the rail's room. */
  annotations?: readonly Annotation[] | undefined;
  height?: number;
  /** Whether the axis starts at zero; money and counts do by default, ratios and times do not. */
  zero?: boolean;
  /** A line to read the series against. */
  target?: Target | null | undefined;
  /** Half-open, whole buckets. */
  onZoom?: ((from: string, to: string) => void) | undefined;
  onPick?: ((time: string, index: number) => void) | undefined;
}

const NOTHING: readonly Annotation[] = [];

/** Values over time: pointer, keyboard, a table and a picture of the same numbers. */
export function TimeSeries(props: TimeSeriesProps) {
  const { title, series, times, grain, tz, unit, currency, target, height = 220, onZoom, onPick } = props;
  const annotations = props.annotations ?? NOTHING;
  const zero = props.zero ?? (unit === "money" || unit === "count");
  const look = useMemo<PlotLook>(
    () => ({ series, grain, tz, unit, currency, zero, target, zoomable: onZoom !== undefined }),
    [series, grain, tz, unit, currency, zero, target, onZoom],
  );
  const host = useRef<HTMLDivElement>(null);
  const id = useId();
  const [at, setAt] = useState<number | null>(null);
  const [anchor, setAnchor] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const [opened, setOpened] = useState<"table" | "zoom" | null>(null);
  const { plot, geometry, position } = usePlot(host, look, times, annotations, height, {
    onHover: setAt,
    onDrag: (one, other) => zoomTo(ranged(times, grain, one, other)),
  });
  const active = at !== null && at < times.length ? at : null;
  const open = (index: number) => series.some((each) => isOpen(each, index));
  const incompleteFrom = Math.min(...series.map(({ dashedFrom }) => dashedFrom ?? Infinity));

  function zoomTo(range: { from: string; to: string } | null) {
    setAnchor(null);
    setAt(null);
    if (range) onZoom?.(range.from, range.to);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Enter" && active !== null) {
      event.preventDefault();
      if (anchor !== null && anchor !== active) zoomTo(between(anchor, active));
      else onPick?.(times[active]!, active);
      return;
    }
    const next = moved(event.key, active, times.length);
    if (next === undefined) return;
    event.preventDefault();
    setAnchor(event.shiftKey && onZoom ? (anchor ?? active ?? next) : null);
    setAt(next);
    setSaid(next === null ? "" : readOut(look, times, next, open(next)));
    point(next);
  }

  function between(one: number, other: number) {
    const [first, last] = one < other ? [one, other] : [other, one];
    return { from: times[first]!, to: endOf(times[last]!, grain) };
  }

  function point(index: number | null) {
    const current = plot.current;
    if (!current) return;
    current.cursor.event = undefined as unknown as MouseEvent;
    const left = index === null ? -10 : current.valToPos(current.data[0][index]!, "x");
    current.setCursor({ left, top: index === null ? -10 : geometry!.height / 2 }, false);
  }

  function picture() {
    const canvas = plot.current?.root.querySelector("canvas");
    const note = [`timezone ${tz}`, currency ? `currency ${currency}` : "", `by ${grain}`].filter(Boolean).join(" · ");
    const whole = canvas ? painted(canvas, title, note, series) : null;
    if (whole) download(whole, `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.png`);
  }

  const selected =
    anchor !== null && active !== null && position
      ? [anchor, active].map((each) => position(seconds(times[each]!)))
      : null;
  return (
    <figure className="pu-chart" aria-labelledby={`${id}-title`}>
      <div className="pu-chart-head">
        <figcaption id={`${id}-title`} className="pu-visually-hidden">
          {title}
        </figcaption>
        <Key series={series} />
        <div className="pu-chart-tools">
          {onZoom ? (
            <Tool label="Zoom to typed times" text="Zoom" on={opened === "zoom"} onClick={() => toggle("zoom")} />
          ) : null}
          <Tool label="Show as table" text="Table" on={opened === "table"} onClick={() => toggle("table")} />
          <Tool label="Save as PNG" text="PNG" onClick={picture} />
        </div>
      </div>
      {opened === "zoom" && onZoom ? (
        <Zoom times={times} grain={grain} tz={tz} onZoom={(from, to) => zoomTo({ from, to })} />
      ) : null}
      {props.annotations ? (
        <Rail
          annotations={annotations}
          position={position}
          left={geometry?.left ?? 0}
          width={geometry?.width ?? 0}
          tz={tz}
        />
      ) : null}
      <div
        className="pu-plot"
        role="application"
        aria-roledescription="chart"
        aria-label={title}
        aria-describedby={`${id}-summary`}
        tabIndex={0}
        style={{ height }}
        onKeyDown={onKeyDown}
        onClick={() =>
          anchor === null && active !== null && plot.current?.cursor.event && onPick?.(times[active]!, active)
        }
        onBlur={() => (setAnchor(null), setAt(null), point(null))}
      >
        <div ref={host} className="pu-plot-host" style={{ height }} aria-hidden="true" />
        {geometry && selected ? (
          <div
            className="pu-plot-selected"
            style={{
              left: geometry.left + Math.min(...selected),
              width: Math.abs(selected[0]! - selected[1]!),
              height: geometry.height,
            }}
          />
        ) : null}
        {geometry && position && incompleteFrom < times.length ? (
          <Incomplete geometry={geometry} at={position(seconds(times[incompleteFrom]!))} />
        ) : null}
        {target && geometry && plot.current ? (
          <span
            className="pu-plot-target"
            style={{ top: plot.current.valToPos(target.value, "y") + geometry.top, left: geometry.left + 4 }}
          >
            {target.label}
          </span>
        ) : null}
        {active !== null && geometry && position ? (
          <Tip
            look={look}
            times={times}
            index={active}
            geometry={geometry}
            at={position(seconds(times[active]!))}
            incomplete={open(active)}
          />
        ) : null}
      </div>
      <p id={`${id}-summary`} className="pu-visually-hidden">
        {summary(look, times)} Arrow keys move through the buckets
        {onZoom ? "; with Shift they select, and Enter zooms to the selection" : ""}
        {onPick ? "; Enter opens the bucket" : ""}.
      </p>
      <p className="pu-visually-hidden" role="status" aria-live="polite">
        {said}
      </p>
      <DataTable title={title} look={look} times={times} shown={opened === "table"} />
    </figure>
  );

  function toggle(which: "table" | "zoom") {
    setOpened(opened === which ? null : which);
  }
}

function Tool({ label, text, on, onClick }: { label: string; text: string; on?: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      className="pu-chart-tool"
      title={label}
      aria-label={label}
      aria-pressed={on}
      onClick={onClick}
    >
      {text}
    </button>
  );
}

function Incomplete({ geometry, at }: { geometry: Geometry; at: number }) {
  return (
    <span
      className="pu-plot-incomplete"
      style={{ right: `calc(100% - ${geometry.left + Math.max(at, 66)}px)`, top: geometry.top }}
    >
      incomplete ┄
    </span>
  );
}

interface TipProps {
  look: PlotLook;
  times: readonly string[];
  index: number;
  geometry: Geometry;
  at: number;
  incomplete: boolean;
}

function Tip({ look, times, index, geometry, at, incomplete }: TipProps) {
  const values = look.series.map((each) => value(each.values[index], look.unit, look.currency));
  const side =
    at > geometry.width / 2
      ? { right: `calc(100% - ${geometry.left + at - 10}px)` }
      : { left: geometry.left + at + 10 };
  return (
    <div className="pu-tip" style={{ top: geometry.top + 4, ...side }} aria-hidden="true">
      <div className="pu-tip-time">
        {time(times[index], look.tz, look.grain)}
        {incomplete ? " · incomplete" : ""}
      </div>
      <Key series={look.series} values={values} />
    </div>
  );
}

function readOut(look: PlotLook, times: readonly string[], index: number, incomplete: boolean): string {
  const each = look.series.map(({ label, values }) => {
    const shown =
      values[index] === null || values[index] === undefined
        ? "unknown"
        : value(values[index], look.unit, look.currency);
    return `${label} ${shown}`;
  });
  return `${time(times[index], look.tz, look.grain)}${incomplete ? ", incomplete" : ""}: ${each.join(", ")}`;
}

function seconds(iso: string): number {
  return Date.parse(iso) / 1000;
}
