/** What is looked at, kept in the link. Enters: the address. Leaves: a window, filters and units to ask with, and how
 * to change them. Each change is a step of the browser's history, so Back undoes a zoom. */

import { createContext, useCallback, useContext, useMemo } from "react";
import { useParams, useRouter, useRouterState } from "@tanstack/react-router";

import type { Project, Question } from "../api/types";
import { pageOf } from "./pages";
import { anchorOf, comparable, fitting, grainOf, instantOf, windowOf, written } from "./ranges";
import { said } from "./search";

/** Keys that every page shares and links between pages carry. */
export const SHARED = [
  "range", "from", "to", "compare", "compare_from", "compare_to", "f", "unit", "tz", "currency", "paused",
] as const; // prettier-ignore

export interface Chosen {
  /** A preset's name, or `custom`. */
  range: string;
  from: string;
  to: string;
  compare: string;
  compareFrom: string | null;
  compareTo: string | null;
  /** Texts as the API takes them; app/filters.ts reads and writes them. */
  filters: string[];
  unit: string;
  tz: string;
  currency: string;
  /** How time is cut: as chosen, or by the length of the range. */
  grain: string;
  /** As in the link: empty means by the length of the range. */
  grainChosen: string;
}

export interface Patch {
  range?: string;
  from?: string;
  to?: string;
  compare?: string;
  compareFrom?: string | null;
  compareTo?: string | null;
  filters?: readonly string[];
  unit?: string;
  tz?: string;
  currency?: string;
  grain?: string;
}

export interface View extends Chosen {
  set: (patch: Patch) => void;
  /** What every question of the page shares; spread it into each. */
  question: Question;
  /** The same for what is compared: without the day that still goes on. Null where there is nothing to compare. */
  compared: Question | null;
}

export const ProjectContext = createContext<Project | null>(null);

/** The project, which is known before any page is shown. */
export function useProject(): Project {
  const project = useContext(ProjectContext);
  if (project === null) throw new Error("useProject: no project here, must be inside the shell; render it there");
  return project;
}

export function useView(): View {
  const project = useContext(ProjectContext);
  const query = useQueryText();
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const change = useChange();
  // To the minute, so that what is asked does not change with every render.
  const minute = Math.floor(Date.now() / 60_000);
  return useMemo(() => {
    const chosen = chosenOf(new URLSearchParams(query), pathname, project, (minute + 1) * 60_000 - 1);
    const question = questionOf(chosen);
    const compared = comparedOf(question, project?.data.latest_event ?? null);
    return { ...chosen, question, compared, set: (patch: Patch) => change((at) => applied(at, patch)) };
  }, [project, query, pathname, change, minute]);
}

/** One key of the page's own, as text; empty where it is unset. Setting it replaces the link without a step back. */
export function useParam(name: string, unset = ""): [string, (value: string) => void] {
  const query = useQueryText();
  const change = useChange();
  const value = useMemo(() => new URLSearchParams(query).get(name) ?? unset, [query, name, unset]);
  const set = useCallback(
    (next: string) =>
      change((at) => {
        if (next === unset) at.delete(name);
        else at.set(name, next);
      }, true),
    [change, name, unset],
  );
  return [value, set];
}

/** The parts of the path that are named, such as `type` and `id` of a unit; decoded. */
export function useRouteParams(): Record<string, string | undefined> {
  return useParams({ strict: false }) as Record<string, string | undefined>;
}

/** Goes to a path with a query, as a link does. */
export function useGo(): (to: string, replace?: boolean) => void {
  const { history } = useRouter();
  return useCallback((to, replace = false) => (replace ? history.replace(to) : history.push(to)), [history]);
}

/** The address of another page that keeps what is looked at; `extra` adds or (empty) removes keys. */
export function useLinkTo(): (path: string, extra?: Readonly<Record<string, string | readonly string[]>>) => string {
  const query = useQueryText();
  return useCallback((path, extra = {}) => linkTo(query, path, extra), [query]);
}

export function linkTo(
  query: string,
  path: string,
  extra: Readonly<Record<string, string | readonly string[]>> = {},
): string {
  const at = new URLSearchParams(query);
  const kept = new URLSearchParams();
  for (const name of SHARED) for (const value of at.getAll(name)) kept.append(name, value);
  for (const [name, value] of Object.entries(extra)) {
    kept.delete(name);
    for (const each of typeof value === "string" ? [value] : value) if (each) kept.append(name, each);
  }
  return path + said(kept);
}

/** What a query chooses, with what the page and the project leave where it says nothing. */
export function chosenOf(query: URLSearchParams, pathname: string, project: Project | null, now: number): Chosen {
  const page = pageOf(pathname);
  const [from, to] = [instantOf(query.get("from")), instantOf(query.get("to"))];
  const own = from !== null && to !== null && from < to;
  const compare = query.get("compare") ?? page?.compare ?? "off";
  const anchor = anchorOf(now, project?.data.latest_event ?? null);
  const unset = fitting(page?.range ?? "30d", compare, project?.data.first_event ?? null, anchor);
  const range = own ? "custom" : named(query.get("range"), unset);
  const window = own ? { from, to } : windowOf(range, anchor);
  const grain = query.get("grain") ?? "";
  return {
    range,
    ...window,
    compare,
    compareFrom: instantOf(query.get("compare_from")),
    compareTo: instantOf(query.get("compare_to")),
    filters: query.getAll("f"),
    unit: query.get("unit") ?? project?.units[0]?.name ?? "",
    tz: query.get("tz") ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC",
    currency: query.get("currency") ?? project?.currency ?? "",
    grain: grain || grainOf(window),
    grainChosen: grain,
  };
}

/** What all questions of a view share. */
export function questionOf(chosen: Chosen): Question {
  const custom = chosen.compare === "custom" && chosen.compareFrom !== null && chosen.compareTo !== null;
  return {
    measures: [],
    from: chosen.from,
    to: chosen.to,
    filters: chosen.filters,
    compare: chosen.compare === "custom" && !custom ? "off" : chosen.compare,
    ...(custom ? { compare_from: chosen.compareFrom!, compare_to: chosen.compareTo! } : {}),
    ...(chosen.unit ? { unit: chosen.unit } : {}),
    ...(chosen.currency ? { currency: chosen.currency } : {}),
  };
}

/** The question of what is compared; own dates are compared as they were chosen. */
export function comparedOf(question: Question, latest: string | null): Question | null {
  if (question.compare === "off") return null;
  if (question.compare === "custom") return question;
  const window = comparable({ from: question.from!, to: question.to! }, latest);
  return window && { ...question, ...window };
}

/** Writes a change into a query. A preset and two dates stand for each other. */
export function applied(at: URLSearchParams, patch: Patch): void {
  if (patch.range !== undefined && patch.range !== "custom") {
    at.delete("from");
    at.delete("to");
    put(at, "range", patch.range);
  }
  if (patch.from !== undefined && patch.to !== undefined) {
    at.delete("range");
    at.set("from", written(patch.from));
    at.set("to", written(patch.to));
  }
  put(at, "compare", patch.compare);
  put(
    at,
    "compare_from",
    patch.compareFrom === undefined ? undefined : patch.compareFrom && written(patch.compareFrom),
  );
  put(at, "compare_to", patch.compareTo === undefined ? undefined : patch.compareTo && written(patch.compareTo));
  if (patch.compare !== undefined && patch.compare !== "custom") {
    at.delete("compare_from");
    at.delete("compare_to");
  }
  for (const name of ["unit", "tz", "currency", "grain"] as const) put(at, name, patch[name]);
  if (patch.filters !== undefined) {
    at.delete("f");
    for (const filter of patch.filters) at.append("f", filter);
  }
}

function put(at: URLSearchParams, name: string, value: string | null | undefined): void {
  if (value === undefined) return;
  if (value) at.set(name, value);
  else at.delete(name);
}

function named(range: string | null, unset: string): string {
  return range && /^(\d{1,3}[hd]|mtd|last-month|ytd)$/.test(range) ? range : unset;
}

function useQueryText(): string {
  return useRouterState({ select: (state) => state.location.searchStr });
}

/** Changes the query of where one is now, not of where one was when the page was drawn. */
function useChange(): (edit: (at: URLSearchParams) => void, replace?: boolean) => void {
  const { history } = useRouter();
  return useCallback(
    (edit, replace = false) => {
      const { pathname, search } = history.location;
      const at = new URLSearchParams(search);
      edit(at);
      const next = said(at);
      if (next === said(new URLSearchParams(search))) return;
      if (replace) history.replace(pathname + next);
      else history.push(pathname + next);
    },
    [history],
  );
}
