/** What the API says of units, as `perunit receipt --json` has it. Decimals are text, times RFC 3339. */

export interface UsageLine {
  meter: string;
  quantity: string;
  pricing: "list" | "billed" | "unpriced" | "measured";
  resource: string | null;
  kind: string | null;
  unit: string | null;
  price: string | null;
  per: string | null;
  rate_id: string | null;
  amount: string | null;
  currency: string | null;
}

export interface EventLine {
  id: string;
  source: string;
  event_type: string;
  event_time: string;
  outcome: string | null;
  currency: string;
  late: boolean;
  latency_ms: string | null;
  amounts: Record<string, string>;
  usage: UsageLine[];
  keys: Record<string, string>;
  attempt: boolean;
  success: boolean;
}

export interface BillLine {
  rule: string;
  kind: string;
  day: string;
  unit_type: string;
  unit_key: string;
  billed_cost: string;
  effective_cost: string;
  currency: string;
  bill_id: number;
  line_count: number;
  lines: Record<string, unknown>[];
}

export interface ShareLine {
  rule: string;
  kind: string;
  day: string;
  meter: string | null;
  resource: string | null;
  basis: string;
  part: string;
  whole: string;
  whole_cost: string;
  cost: string | null;
  currency: string;
  bill_id: number;
}

export interface Related {
  unit_type: string;
  unit_key: string;
  events: number;
}

export interface Exchanged {
  currency: string;
  day: string;
  rate: string;
  origin: string;
  published: string;
}

export interface Receipt {
  unit_type: string;
  unit_key: string;
  currency: string;
  opened_at: string;
  segments: Record<string, string | null>;
  parents: Related[];
  children: Related[];
  events: EventLine[];
  bill_lines: BillLine[];
  shares: ShareLine[];
  totals: Record<string, string | null>;
  unpriced: number;
  status: string | null;
  exchanged: Exchanged[];
  notes: string[];
}
