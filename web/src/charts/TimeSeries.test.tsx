// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import type { TimeSeriesProps } from "./TimeSeries";

let TimeSeries: (props: TimeSeriesProps) => React.ReactNode;

// What jsdom lacks; without a width nothing is painted, so no canvas is needed.
beforeAll(async () => {
  vi.stubGlobal("matchMedia", () => ({ addEventListener() {}, removeEventListener() {}, matches: false }));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  ({ TimeSeries } = await import("./TimeSeries"));
});
afterEach(cleanup);

const times = ["2026-09-01T00:00:00Z", "2026-09-01T01:00:00Z", "2026-09-01T02:00:00Z"];
const common = {
  title: "Success rate",
  times,
  grain: "hour",
  tz: "Europe/Berlin",
  unit: "ratio",
  series: [{ name: "success_rate", label: "Success rate", values: ["0.97", null, "0.5"], dashedFrom: 2 }],
};

describe("a chart without eyes or mouse", () => {
  test("arrows move a cursor that is read out in the viewer's timezone", () => {
    render(<TimeSeries {...common} />);
    const chart = screen.getByRole("application", { name: "Success rate" });
    fireEvent.keyDown(chart, { key: "ArrowRight" });
    expect(screen.getByRole("status").textContent).toBe("2026-09-01 02:00: Success rate 97.00 %");
    fireEvent.keyDown(chart, { key: "ArrowRight" });
    expect(screen.getByRole("status").textContent).toBe("2026-09-01 03:00: Success rate unknown");
    fireEvent.keyDown(chart, { key: "End" });
    expect(screen.getByRole("status").textContent).toBe("2026-09-01 04:00, incomplete: Success rate 50.00 %");
    fireEvent.keyDown(chart, { key: "Escape" });
    expect(screen.getByRole("status").textContent).toBe("");
  });

  test("Enter opens the bucket under the cursor", () => {
    const onPick = vi.fn();
    render(<TimeSeries {...common} onPick={onPick} />);
    const chart = screen.getByRole("application");
    fireEvent.keyDown(chart, { key: "Enter" });
    expect(onPick).not.toHaveBeenCalled();
    fireEvent.keyDown(chart, { key: "ArrowLeft" });
    fireEvent.keyDown(chart, { key: "Enter" });
    expect(onPick).toHaveBeenCalledWith(times[2], 2);
  });

  test("Shift and arrows select whole buckets, and Enter zooms to them", () => {
    const onZoom = vi.fn();
    render(<TimeSeries {...common} onZoom={onZoom} />);
    const chart = screen.getByRole("application");
    fireEvent.keyDown(chart, { key: "End" });
    fireEvent.keyDown(chart, { key: "ArrowLeft", shiftKey: true });
    fireEvent.keyDown(chart, { key: "Enter" });
    expect(onZoom).toHaveBeenCalledWith("2026-09-01T01:00:00Z", "2026-09-01T03:00:00Z");
  });

  test("times typed in the viewer's timezone zoom as a drag does", () => {
    const onZoom = vi.fn();
    render(<TimeSeries {...common} onZoom={onZoom} />);
    fireEvent.click(screen.getByRole("button", { name: "Zoom to typed times" }));
    const from = screen.getByLabelText(/From/);
    expect((from as HTMLInputElement).value).toBe("2026-09-01T02:00");
    fireEvent.change(from, { target: { value: "2026-09-01T02:30" } });
    fireEvent.submit(screen.getByRole("form"));
    expect(onZoom).toHaveBeenCalledWith("2026-09-01T00:30:00Z", "2026-09-01T03:00:00Z");
  });

  test("an end before its start is refused and said", () => {
    const onZoom = vi.fn();
    render(<TimeSeries {...common} onZoom={onZoom} />);
    fireEvent.click(screen.getByRole("button", { name: "Zoom to typed times" }));
    fireEvent.change(screen.getByLabelText(/From/), { target: { value: "2026-09-09T02:30" } });
    fireEvent.submit(screen.getByRole("form"));
    expect(screen.getByRole("alert").textContent).toContain("after the start");
    expect(onZoom).not.toHaveBeenCalled();
  });

  test("the table holds every number, unknown and incomplete ones named", () => {
    render(<TimeSeries {...common} />);
    const rows = within(screen.getByRole("table")).getAllByRole("row");
    expect(rows.map((row) => row.textContent)).toEqual([
      "TimeSuccess rate",
      "2026-09-01 02:0097.00 %",
      "2026-09-01 03:00unknown",
      "2026-09-01 04:0050.00 % (incomplete)",
    ]);
  });

  test("a chart without buckets says so and does not break", () => {
    render(<TimeSeries {...common} times={[]} series={[{ ...common.series[0]!, values: [], dashedFrom: null }]} />);
    expect(screen.getByText(/No data/)).toBeTruthy();
    fireEvent.keyDown(screen.getByRole("application"), { key: "ArrowRight" });
    expect(screen.getByRole("status").textContent).toBe("");
  });
});
