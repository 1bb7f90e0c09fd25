/** What the API answers under the names that the pages use. Decimals are text, times RFC 3339. */

import type { Asked, Figures as FiguresAnswer } from "./schema";

export type {
  Bridge as BridgeAnswer, Dimension, Explained, Freshness, MeasureEntry as Measure, ProjectAnswer as Project,
  SessionAnswer as Session, TourStep, TourStory as Story, ViewKept as SavedView, WindowAnswer as Span,
} from "./schema"; // prettier-ignore

export type Status = "estimated" | "billed" | "mixed" | "closed" | null;

export type Cell = string | number | boolean | null;

export type Row = Record<string, Cell>;

/** Cells are plain values. */
export type Figures = Omit<FiguresAnswer, "rows" | "next" | "points_left_out"> & {
  rows: Row[];
  next: string | null;
  points_left_out: number;
};

/** RFC 9457, with what a refusal adds. */
export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  permission?: string;
  roles?: string[];
}

export interface Refused {
  problem: ProblemBody;
}

export type Result = Figures | Refused;

/** A question as POST /queries takes it; the address, which it is made from, may say anything. */
export type Question = Omit<Asked, "grain" | "compare"> & { grain?: string; compare?: string };
