/** What the API says of failures and of the data's health. */

export interface Failure {
  event_id: string;
  source: string;
  time: string;
  type: string;
  units: Record<string, string>;
  segments: Record<string, string | null>;
  outcome: string | null;
  latency_ms: string | null;
  resource: string | null;
  amounts: Record<string, string>;
  currency: string;
  intent: string | null;
  recovered: boolean | null;
}

export interface FailurePage {
  unit: string;
  failures: Failure[];
  next: string | null;
}

export interface LagAnswer {
  buckets: { up_to_seconds: number | null; events: number }[];
  events?: number;
}

export interface RatesAnswer {
  grain: string;
  rows: {
    bucket: string;
    received: number;
    accepted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
    orphan: number;
    late: number;
    unpriced: number;
    rules: Record<string, number>;
  }[];
}

export interface PeriodsAnswer {
  periods: {
    period: string;
    status: string;
    verdict: string;
    totals: { currency: string; billed: string; invoiced: string | null; difference: string | null }[];
    locked_at: string | null;
  }[];
}
