/** uPlot inside React: built anew when its look or the theme changes, given new data otherwise. */

import { useEffect, useRef, useState, type RefObject } from "react";
import uPlot from "uplot";

import type { Annotation } from "./annotations";
import { dataOf, optionsOf, type PlotLook } from "./plot";
import { linear, type Domain } from "./scale";
import { resolved, useTheme, useWidth } from "./theme";

export interface Geometry {
  left: number;
  width: number;
  top: number;
  height: number;
  /** The seconds at the plot's two ends, as drawn. */
  span: Domain;
}

interface Handlers {
  /** The pointer's bucket, null when it leaves. */
  onHover: (index: number | null) => void;
  /** A range was dragged, in seconds. */
  onDrag: (one: number, other: number) => void;
}

export interface PlotHandle {
  plot: RefObject<uPlot | null>;
  geometry: Geometry | null;
  /** Pixels from the plot's left edge. */
  position: ((seconds: number) => number) | null;
}

export function usePlot(
  host: RefObject<HTMLDivElement | null>,
  look: PlotLook,
  times: readonly string[],
  annotations: readonly Annotation[],
  height: number,
  handlers: Handlers,
): PlotHandle {
  const theme = useTheme();
  const width = useWidth(host);
  const plot = useRef<uPlot | null>(null);
  const [geometry, setGeometry] = useState<Geometry | null>(null);
  const latest = useRef({ look, times, annotations, handlers });
  latest.current = { look, times, annotations, handlers };
  const shape = JSON.stringify([
    look.series.map(({ name, label, color }) => [name, label, color]),
    [look.grain, look.tz, look.unit, look.currency, look.zero, look.target, look.zoomable],
  ]);

  useEffect(() => {
    if (!host.current || width === 0) return;
    const current = latest.current;
    const built = new uPlot(
      optionsOf(current.look, width, height, hooksOf(latest, setGeometry)),
      dataOf(current.look.series, current.times),
      host.current,
    );
    plot.current = built;
    return () => {
      plot.current = null;
      built.destroy();
    };
    // The width only resizes (below): rebuilding at each pixel would flicker.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [host, shape, theme, width === 0]);

  useEffect(() => {
    if (plot.current && width > 0) plot.current.setSize({ width, height });
  }, [width, height]);

  useEffect(() => {
    plot.current?.setData(dataOf(look.series, times));
  }, [look.series, times]);

  useEffect(() => {
    plot.current?.redraw(false);
  }, [annotations]);

  // By what was drawn last, not by the plot's scale of now, which is unset while new data waits to be drawn.
  const position = geometry ? linear(geometry.span, 0, geometry.width) : null;
  return { plot, geometry, position };
}

type Latest = RefObject<{
  look: PlotLook;
  times: readonly string[];
  annotations: readonly Annotation[];
  handlers: Handlers;
}>;

function hooksOf(latest: Latest, setGeometry: (geometry: Geometry) => void): uPlot.Hooks.Arrays {
  return {
    draw: [
      (plot) => {
        lineAtTarget(plot, latest.current.look);
        linesAtAnnotations(plot, latest.current.annotations);
        setGeometry(geometryOf(plot));
      },
    ],
    setCursor: [
      (plot) => {
        // The keyboard's cursor is set without an event: it must not speak as the pointer's.
        if (plot.cursor.event) latest.current.handlers.onHover(plot.cursor.idx ?? null);
      },
    ],
    setSelect: [
      (plot) => {
        const { left, width } = plot.select;
        if (width < 4) return;
        latest.current.handlers.onDrag(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      },
    ],
  };
}

function geometryOf(plot: uPlot): Geometry {
  const ratio = uPlot.pxRatio;
  return {
    left: plot.bbox.left / ratio,
    width: plot.bbox.width / ratio,
    top: plot.bbox.top / ratio,
    height: plot.bbox.height / ratio,
    span: { min: plot.scales["x"]!.min ?? 0, max: plot.scales["x"]!.max ?? 1 },
  };
}

function lineAtTarget(plot: uPlot, look: PlotLook) {
  if (!look.target) return;
  const y = plot.valToPos(look.target.value, "y", true);
  stroke(plot, [plot.bbox.left, y], [plot.bbox.left + plot.bbox.width, y], "var(--text-2)", [6, 4]);
}

function linesAtAnnotations(plot: uPlot, annotations: readonly Annotation[]) {
  for (const { start, kind } of annotations) {
    const x = plot.valToPos(Date.parse(start) / 1000, "x", true);
    if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
    const color = kind === "incident" ? "var(--bad)" : "var(--muted)";
    stroke(plot, [x, plot.bbox.top], [x, plot.bbox.top + plot.bbox.height], color, [2, 2]);
  }
}

function stroke(plot: uPlot, from: [number, number], to: [number, number], color: string, dash: number[]) {
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = resolved(color);
  ctx.lineWidth = uPlot.pxRatio;
  ctx.setLineDash(dash.map((each) => each * uPlot.pxRatio));
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
  ctx.restore();
}
