// Made from the API's description by `python -m perunit.faces.api.types`; not to be edited.

/** A question, as `POST /queries` takes it and as the parameters of `GET /query` make it. */
export interface Asked {
  /** Names of the catalogue. */
  measures: string[];
  /** Per which unit type; the contract's first by default. */
  unit?: string | null;
  /** Dimensions to cut by. */
  by?: string[];
  /** How time is cut. */
  grain?: Grain;
  /** From this instant on, RFC 3339 or a date (UTC). */
  from?: string | null;
  /** Up to this instant, itself excluded. */
  to?: string | null;
  /** `dimension:value,value` or `dimension!:value`. */
  filters?: string[];
  /** Which other period stands beside. */
  compare?: Compare;
  /** With compare=custom: its start. */
  compare_from?: string | null;
  /** With compare=custom: its end. */
  compare_to?: string | null;
  /** Amounts in this currency; the contract's by default. */
  currency?: string | null;
  /** Columns to order by; `-column` for falling. */
  order?: string[];
  /** At most this many rows. */
  limit?: number | null;
  /** At most about this many rows of time; least and greatest values are kept. */
  points_max?: number | null;
}

/** From the margin of one period to that of another: before + Σ steps = after, to the last digit. */
export interface Bridge {
  measure: "contribution_margin";
  unit: string;
  currency: string;
  /** The dimension whose mix has a step of its own. */
  mix: string | null;
  filters: string[];
  window: WindowAnswer;
  compared_with: WindowAnswer;
  before: string;
  after: string;
  steps: BridgeStep[];
  freshness: Freshness;
  notes: string[];
}

/** One step of a bridge. */
export interface BridgeStep {
  name: string;
  title: string;
  amount: string;
}

/** Which other period stands beside the one asked for. */
export type Compare = "off" | "previous" | "week" | "year" | "custom";

/** Between which instants there are facts. */
export interface Data {
  first_event: string | null;
  latest_event: string | null;
}

/** What figures can be cut by. `truncated`: there are more values, shown as `__other__` or not listed. */
export interface Dimension {
  name: string;
  values: string[];
  truncated: boolean;
}

/** All that one figure rests on. */
export interface Explained {
  measure: MeasureEntry;
  value: string | number | null;
  currency: string;
  unit: string;
  status: "estimated" | "billed" | "mixed" | "closed" | null;
  complete: boolean;
  parts: Part[];
  formula: string;
  filters: string[];
  window: WindowAnswer;
  /** How many accepted events are behind it; null where that is not known. */
  rows: number | null;
  price_books: PriceBookInForce[];
  freshness: Freshness;
  notes: string[];
  /** Null where the window has no bills. */
  reconciliation: ReconciliationState | null;
}

/** An attempt that did not succeed. */
export interface Failure {
  event_id: string;
  source: string;
  time: string;
  type: string;
  /** The keys it carries, by unit type. */
  units: Record<string, string>;
  segments: Record<string, string | null>;
  outcome: string | null;
  latency_ms: string | null;
  resource: string | null;
  amounts: Record<string, string>;
  currency: string;
  /** What it was an attempt of; others of the same intent are its retries. */
  intent: string | null;
  /** Whether a later attempt of the same intent succeeded within a week; null without an intent. */
  recovered: boolean | null;
}

/** Failed attempts, the newest first. */
export interface Failures {
  unit: string;
  failures: Failure[];
  next: string | null;
}

/** The answer to one question, as `perunit query --json` has it. Columns are those of every row, in this order. */
export interface Figures {
  unit: string;
  currency: string;
  grain: string;
  by: string[];
  filters: string[];
  window: WindowAnswer;
  compare: string;
  compared_with: WindowAnswer | null;
  freshness: Freshness;
  /** `book@version` of those in force within the window. */
  price_books: string[];
  measures: MeasureEntry[];
  columns: string[];
  /** Values by column, with `status`, `complete` and, of samples, `estimated`. Counts are integers, other numbers exact text, unknown values null. */
  rows: Record<string, unknown>[];
  /** What a reader would otherwise miss. */
  notes: string[];
  /** For `after`, where there are more rows. */
  next?: string | null;
  /** How many rows of time `points_max` has left out. */
  points_left_out?: number;
}

/** How far the facts go. Bills are allocated over new usage at most a minute later. */
export interface Freshness {
  /** When the latest fact happened. */
  latest_event: string | null;
  /** When the last batch was committed. */
  ingested_at: string | null;
  /** The last batch that the sums hold. */
  batch_id: number | null;
}

/** How far the facts go, and how long ago that was. */
export interface FreshnessNow {
  /** When the latest fact happened. */
  latest_event: string | null;
  /** When the last batch was committed. */
  ingested_at: string | null;
  /** The last batch that the sums hold. */
  batch_id: number | null;
  /** From the latest fact until now. */
  lag_seconds: number | null;
}

/** How a range of time is cut for a query; `TOTAL` leaves it whole. */
export type Grain = "minute" | "hour" | "day" | "month" | "total";

/** One entry of the catalogue. */
export interface MeasureEntry {
  name: string;
  title: string;
  unit: "money" | "ratio" | "count" | "ms" | "quantity";
  good: "up" | "down" | "none";
  family?: "financial" | "operational";
  owner: string;
  seed: string;
  /** In words. */
  formula: string;
  doc: string;
  [name: string]: unknown;
}

/** One entry of the catalogue, and whether the viewer may ask for it. */
export interface MeasureListed {
  name: string;
  title: string;
  unit: "money" | "ratio" | "count" | "ms" | "quantity";
  good: "up" | "down" | "none";
  family?: "financial" | "operational";
  owner: string;
  seed: string;
  /** In words. */
  formula: string;
  doc: string;
  allowed: boolean;
  [name: string]: unknown;
}

/** One part of a formula: the value is (Σ of `+` less Σ of `-`) ÷ the one of `/`, where there is one. */
export interface Part {
  name: string;
  title: string;
  value: string | number | null;
  sign: "+" | "-" | "/";
  /** Whether it is a measure that can be explained in turn. */
  measure: boolean;
}

/** A version of a price book with a rate within the window, and who put it in force. */
export interface PriceBookInForce {
  book: string;
  version: number;
  effective_from: string | null;
  approved_by: string | null;
  approved_at: string | null;
}

/** Why one question of several has no answer; as RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  [name: string]: unknown;
}

/** What a page needs before it asks for a figure. */
export interface ProjectAnswer {
  name: string;
  currency: string;
  /** Those in which facts or bills are. */
  currencies: string[];
  version: string;
  demo: boolean;
  units: UnitType[];
  dimensions: Dimension[];
  sources: string[];
  grains: string[];
  freshness: FreshnessNow;
  data: Data;
  status: "estimated" | "billed" | "mixed" | "closed" | null;
  pseudonymized: string[];
}

/** The questions of a dashboard. */
export interface Queries {
  queries: Asked[];
}

/** All that makes up one unit's margin, as `perunit receipt --json` has it. */
export interface Receipt {
  unit_type: string;
  unit_key: string;
  currency: string;
  opened_at: string;
  segments: Record<string, string | null>;
  totals: Record<string, string | null>;
  status: "estimated" | "billed" | "mixed" | "closed" | null;
  unpriced: number;
  notes: string[];
  [name: string]: unknown;
}

/** How far the bills of the window are reconciled. */
export interface ReconciliationState {
  status: "closed" | "open";
  /** The reconciliation score of the window. */
  score: string | null;
}

/** A question without an answer. */
export interface Refused {
  problem: Problem;
}

/** Answers in the order of the questions. */
export interface Results {
  results: (Figures | Refused)[];
}

/** One unit of a listing. */
export interface UnitLine {
  id: string;
  opened_at: string;
  last_event: string;
  segments: Record<string, string | null>;
  revenue: string;
  cost: string;
  margin: string;
  attempts: number;
  successes: number;
}

/** A unit type of the contract. */
export interface UnitType {
  name: string;
  owner: string;
  parent: string | null;
  segments: string[];
  counted: string;
}

/** Units in order. Amounts are at list prices, with what bills charge a unit directly; the receipt has all of it. */
export interface Units {
  unit: string;
  currency: string;
  /** Whole days: those that the window asked for touches. */
  window: WindowAnswer;
  units: UnitLine[];
  next: string | null;
  notes: string[];
}

/** A half-open range of time; null is an open side. */
export interface WindowAnswer {
  start: string | null;
  end: string | null;
}

/** Every operation by its name; paths are below /api/v1. */
export interface Operations {
  /** From one period's margin to another's */
  bridgeMargin: {
    method: "GET";
    path: "/bridge";
    pathParams: {};
    params: {
      /** Per which unit type. */
      unit?: string | null;
      /** From this instant on. */
      from?: string | null;
      /** Up to this instant, itself excluded. */
      to?: string | null;
      /** `dimension:value,value`. */
      filter?: string[];
      /** Where the bridge begins. */
      compare?: Compare;
      /** With compare=custom: its start. */
      compare_from?: string | null;
      /** With compare=custom: its end. */
      compare_to?: string | null;
      /** Amounts in this currency. */
      currency?: string | null;
      /** The dimension whose mix gets a step of its own. */
      mix?: string | null;
    };
    body: undefined;
    response: Bridge;
  };
  /** All that one figure rests on */
  explainFigure: {
    method: "GET";
    path: "/explain";
    pathParams: {};
    params: {
      /** A measure; repeated, or with commas between. */
      measure: string[];
      /** Per which unit type; the contract's first by default. */
      unit?: string | null;
      /** Dimensions to cut by. */
      by?: string[];
      /** How time is cut. */
      grain?: Grain;
      /** From this instant on. */
      from?: string | null;
      /** Up to this instant, itself excluded. */
      to?: string | null;
      /** `dimension:value,value` or `dimension!:value`. */
      filter?: string[];
      /** Which other period stands beside. */
      compare?: Compare;
      /** With compare=custom: its start. */
      compare_from?: string | null;
      /** With compare=custom: its end. */
      compare_to?: string | null;
      /** Amounts in this currency. */
      currency?: string | null;
      /** Columns to order by; `-column` for falling. */
      order?: string[];
      /** At most this many rows. */
      limit?: number | null;
      /** At most about this many rows of time. */
      points_max?: number | null;
    };
    body: undefined;
    response: Explained;
  };
  /** The whole answer as a file */
  exportFigures: {
    method: "GET";
    path: "/export";
    pathParams: {};
    params: {
      /** Which file. */
      format?: "csv" | "parquet" | "arrow";
      /** A measure; repeated, or with commas between. */
      measure: string[];
      /** Per which unit type; the contract's first by default. */
      unit?: string | null;
      /** Dimensions to cut by. */
      by?: string[];
      /** How time is cut. */
      grain?: Grain;
      /** From this instant on. */
      from?: string | null;
      /** Up to this instant, itself excluded. */
      to?: string | null;
      /** `dimension:value,value` or `dimension!:value`. */
      filter?: string[];
      /** Which other period stands beside. */
      compare?: Compare;
      /** With compare=custom: its start. */
      compare_from?: string | null;
      /** With compare=custom: its end. */
      compare_to?: string | null;
      /** Amounts in this currency. */
      currency?: string | null;
      /** Columns to order by; `-column` for falling. */
      order?: string[];
      /** At most this many rows. */
      limit?: number | null;
      /** At most about this many rows of time. */
      points_max?: number | null;
    };
    body: undefined;
    response: Response;
  };
  /** Word that figures have changed */
  followFigures: {
    method: "GET";
    path: "/live";
    pathParams: {};
    params: {};
    body: undefined;
    response: Response;
  };
  /** Failed attempts, the newest first */
  listFailures: {
    method: "GET";
    path: "/failures";
    pathParams: {};
    params: {
      /** Attempts of which unit type. */
      unit?: string | null;
      /** From this instant on. */
      from?: string | null;
      /** Up to this instant, itself excluded. */
      to?: string | null;
      /** `dimension:value,value`. */
      filter?: string[];
      /** The `next` of the answer before. */
      after?: string | null;
      /** At most this many. */
      limit?: number;
    };
    body: undefined;
    response: Failures;
  };
  /** Every measure there is */
  listMeasures: {
    method: "GET";
    path: "/measures";
    pathParams: {};
    params: {};
    body: undefined;
    response: MeasureListed[];
  };
  /** Units in order of what they earn */
  listUnits: {
    method: "GET";
    path: "/units/{unit_type}";
    pathParams: {
      unit_type: string;
    };
    params: {
      /** What least of comes first; most with `-`. */
      order?:
        | "margin"
        | "-margin"
        | "revenue"
        | "-revenue"
        | "cost"
        | "-cost"
        | "last_event"
        | "-last_event"
        | "id"
        | "-id";
      /** From this instant on. */
      from?: string | null;
      /** Up to this instant, itself excluded. */
      to?: string | null;
      /** `dimension:value,value`. */
      filter?: string[];
      /** Only ids that start so. */
      q?: string | null;
      /** The `next` of the answer before. */
      after?: string | null;
      /** At most this many. */
      limit?: number;
    };
    body: undefined;
    response: Units;
  };
  /** Measures by segment and time */
  queryFigures: {
    method: "GET";
    path: "/query";
    pathParams: {};
    params: {
      /** The `next` of the answer before. */
      after?: string | null;
      /** As known at this instant. */
      as_of?: string | null;
      /** A measure; repeated, or with commas between. */
      measure: string[];
      /** Per which unit type; the contract's first by default. */
      unit?: string | null;
      /** Dimensions to cut by. */
      by?: string[];
      /** How time is cut. */
      grain?: Grain;
      /** From this instant on. */
      from?: string | null;
      /** Up to this instant, itself excluded. */
      to?: string | null;
      /** `dimension:value,value` or `dimension!:value`. */
      filter?: string[];
      /** Which other period stands beside. */
      compare?: Compare;
      /** With compare=custom: its start. */
      compare_from?: string | null;
      /** With compare=custom: its end. */
      compare_to?: string | null;
      /** Amounts in this currency. */
      currency?: string | null;
      /** Columns to order by; `-column` for falling. */
      order?: string[];
      /** At most this many rows. */
      limit?: number | null;
      /** At most about this many rows of time. */
      points_max?: number | null;
    };
    body: undefined;
    response: Figures;
  };
  /** The questions of a dashboard at once */
  queryMany: {
    method: "POST";
    path: "/queries";
    pathParams: {};
    params: {};
    body: Queries;
    response: Results;
  };
  /** What is measured here, and how fresh it is */
  readProject: {
    method: "GET";
    path: "/project";
    pathParams: {};
    params: {};
    body: undefined;
    response: ProjectAnswer;
  };
  /** The receipt of one unit */
  readReceipt: {
    method: "GET";
    path: "/units/{unit_type}/{unit_id}";
    pathParams: {
      unit_type: string;
      /** May have slashes in it. */
      unit_id: string;
    };
    params: {};
    body: undefined;
    response: Receipt;
  };
}

export type OperationName = keyof Operations;
