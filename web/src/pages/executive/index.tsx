import { useCallback, useMemo } from "react";

import { useApi, useFigures } from "../../api/hooks";
import type { Result } from "../../api/types";
import { COMPARES, lessSaid, wholeDays } from "../../app/ranges";
import { spanSaid } from "../../app/RangePicker";
import { useParam, useProject, useView } from "../../app/state";
import type { Annotation } from "../../charts/annotations";
import { time } from "../../format";
import { Empty } from "../../parts";
import "./executive.css";
import { Kpis } from "./Kpis";
import { Losers } from "./Losers";
import { MarginBridge } from "./MarginBridge";
import { AT, questionsOf } from "./questions";
import { Segments } from "./Segments";
import { Trends } from "./Trends";

const NONE = "\u0000";

type Noted = Omit<Annotation, "id"> & { id: number | null };

/** What is found in the facts themselves has no number; its kind and start name it. */
function named(noted: Noted): Annotation {
  return { ...noted, id: noted.id ?? `${noted.kind} ${noted.start} ${noted.title}` };
}

/** What is earned and lost, per unit and in all: how much, since when, where, and why. */
export default function Executive() {
  const view = useView();
  const project = useProject();
  const unset = project.units.find(({ name }) => name === view.unit)?.segments[0] ?? project.dimensions[0]?.name ?? "";
  const [dimension, setDimension] = useParam("by", unset);
  // An empty name is the unknown segment, so no segment needs a sign of its own.
  const [segment, setSegment] = useParam("segment", NONE);
  const figures = useFigures(questionsOf(view, dimension));
  const annotations = useApi<{ annotations: Noted[] }>("/annotations", { from: view.from, to: view.to });
  const marks = useMemo(() => (annotations.data?.annotations ?? []).map(named), [annotations.data]);
  const against = againstOf(view.compare);
  const lacking = lacks(figures.data, project.data.first_event);
  const less = view.compared ? lessSaid(view.question.to!, view.compared.to!) : "";
  const open = useCallback((name: string | null) => setSegment(name ?? NONE), [setSegment]);
  const cut = useCallback(
    (name: string) => {
      setDimension(name);
      setSegment(NONE);
    },
    [setDimension, setSegment],
  );
  return (
    <>
      <div className="pu-page-head">
        <h1>Executive</h1>
        <p className="pu-hint">
          Per {view.unit}, {spanSaid(view)}
          {against ? `, against ${against}` : ""}
        </p>
      </div>
      {project.data.first_event === null ? (
        <Empty title="No facts yet">Send events or load a file; figures come as soon as sums are made.</Empty>
      ) : (
        <div className="pu-grid">
          {cutsDay(figures.data) ? (
            <p className="pu-stale" role="status">
              Bills are allocated by the day, and this range cuts one.{" "}
              <button type="button" className="pu-link" onClick={() => view.set(wholeDays(view))}>
                Show whole days
              </button>
            </p>
          ) : null}
          {lacking ? (
            <p className="pu-stale" role="status">
              Facts begin on {time(project.data.first_event, view.tz, "day")}, within the period compared with: changes
              are not shown. Choose a shorter range.
            </p>
          ) : null}
          <Kpis of={figures} against={against ? `against ${against}${less}` : ""} lacking={lacking} />
          <Trends of={figures} view={view} annotations={marks} against={against}>
            <Losers of={figures} dimension={dimension} onPick={open} />
          </Trends>
          <MarginBridge view={view} dimension={dimension} against={against} />
          <Segments
            view={view}
            dimension={dimension}
            onDimension={cut}
            opened={segment === NONE ? null : segment}
            onOpen={open}
          />
        </div>
      )}
    </>
  );
}

/** Whether the period compared with began more than an hour before the first fact. */
function lacks(results: readonly Result[] | undefined, first: string | null): boolean {
  const answered = results?.slice(AT.changes).find((result) => "rows" in result);
  const start = answered && "rows" in answered ? answered.compared_with?.start : null;
  return !!start && first !== null && Date.parse(first) - Date.parse(start) > 3_600_000;
}

/** Whether an answer is missing because the range cuts a day that is billed. */
function cutsDay(results: readonly Result[] | undefined): boolean {
  return (
    results?.some((result) => "problem" in result && /allocated by the day/.test(result.problem.detail ?? "")) ?? false
  );
}

function againstOf(compare: string): string {
  if (compare === "off") return "";
  const words: Record<string, string> = { previous: "the period before", week: "the weeks before", year: "a year ago", custom: "the other dates" }; // prettier-ignore
  return words[compare] ?? COMPARES.find(({ name }) => name === compare)?.title ?? compare;
}
