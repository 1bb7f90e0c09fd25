/** What the API answers, as far as the shell reads it. Decimals are text, times RFC 3339. */

export interface Session {
  user: { id: number; name: string; email: string | null; role: string } | null;
  permissions: string[];
  rows: Record<string, string[]>;
  csrf_token: string | null;
  has_password?: boolean;
  setup_required: boolean;
  oidc: { name: string } | null;
  demo: boolean;
  version: string;
}

export interface Freshness {
  latest_event: string | null;
  ingested_at: string | null;
  batch_id: number | null;
}

export type Status = "estimated" | "billed" | "mixed" | "closed" | null;

export interface Dimension {
  name: string;
  values: string[];
  truncated: boolean;
}

export interface Project {
  name: string;
  currency: string;
  currencies: string[];
  version: string;
  demo: boolean;
  units: { name: string; owner: string; parent: string | null; segments: string[]; counted: string }[];
  dimensions: Dimension[];
  sources: string[];
  grains: string[];
  freshness: Freshness & { lag_seconds: number | null };
  data: { first_event: string | null; latest_event: string | null };
  status: Status;
  pseudonymized: string[];
}

export interface Measure {
  name: string;
  title: string;
  unit: "money" | "ratio" | "count" | "ms" | "quantity";
  good: "up" | "down" | "none";
  family: "financial" | "operational";
  owner: string;
  formula: string;
  doc: string;
}

export type Cell = string | number | boolean | null;

export type Row = Record<string, Cell>;

export interface Span {
  start: string | null;
  end: string | null;
}

export interface Figures {
  unit: string;
  currency: string;
  grain: string;
  by: string[];
  filters: string[];
  window: Span;
  compare: string;
  compared_with: Span | null;
  freshness: Freshness;
  price_books: string[];
  measures: Measure[];
  columns: string[];
  rows: Row[];
  notes: string[];
  next: string | null;
  points_left_out: number;
}

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

/** A question as POST /queries takes it. */
export interface Question {
  measures: string[];
  unit?: string;
  by?: string[];
  grain?: string;
  from?: string;
  to?: string;
  filters?: string[];
  compare?: string;
  compare_from?: string;
  compare_to?: string;
  currency?: string;
  order?: string[];
  limit?: number;
  points_max?: number;
}

export interface Explained {
  measure: Measure;
  value: string | number | null;
  currency: string;
  unit: string;
  status: Status;
  complete: boolean;
  parts: {
    name: string;
    title: string;
    value: string | number | null;
    sign: "+" | "-" | "/";
    measure: boolean;
  }[];
  formula: string;
  filters: string[];
  window: Span;
  rows: number | null;
  price_books: {
    book: string;
    version: number;
    effective_from: string | null;
    approved_by: string | null;
    approved_at: string | null;
  }[];
  freshness: Freshness;
  notes: string[];
  reconciliation: { status: "closed" | "open"; score: string | null } | null;
}

export interface BridgeAnswer {
  measure: string;
  unit: string;
  currency: string;
  mix: string | null;
  filters: string[];
  window: Span;
  compared_with: Span;
  before: string;
  after: string;
  steps: { name: string; title: string; amount: string }[];
  freshness: Freshness;
  notes: string[];
}

export interface SavedView {
  id: number;
  name: string;
  page: string;
  state: string;
  shared: boolean;
  /** Made by whoever asks. */
  own: boolean;
  owner: string | null;
}

export interface TourStep {
  title: string;
  text: string;
  link: string;
  highlight: string | null;
}

export interface Story {
  id: string;
  title: string;
  intro: string;
  steps: TourStep[];
}
