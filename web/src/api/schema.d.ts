// Made from the API's description by `python -m perunit.faces.api.types`; not to be edited.

/** Somebody who may sign in. */
export interface Account {
  id: number;
  name: string;
  email: string | null;
  role: string;
  rows: Record<string, string[]>;
  has_password: boolean;
  /** Signs in through the identity provider, whose groups give the role. */
  through_provider: boolean;
  disabled_at: string | null;
  created_at: string;
  last_login_at: string | null;
}

/** What changes; what is left out stays. */
export interface AccountChange {
  role?: Role | null;
  email?: string | null;
  rows?: Record<string, string[]> | null;
  disabled?: boolean | null;
}

/** What happened, to be noted. */
export interface AnnotationBody {
  kind: "deployment" | "flag" | "incident" | "price_change" | "note";
  title: string;
  /** When; now by default. */
  start?: string | null;
  /** Until when, where it lasted. */
  end?: string | null;
  text?: string;
  /** Dimension → value, where it is about some only. */
  segments?: Record<string, string>;
  /** Where there is more about it; http or https. */
  url?: string | null;
}

/** What happened. `clustered`: how many more of its kind happened about then, which are left out. */
export interface AnnotationKept {
  /** Null where it is derived from the facts. */
  id: number | null;
  kind: "deployment" | "flag" | "incident" | "price_change" | "note";
  title: string;
  text: string;
  start: string;
  end: string | null;
  segments: Record<string, string>;
  url: string | null;
  created_by: string;
  derived: boolean;
  clustered?: number;
}

/** Oldest first. At most `limit`: where there are more, each stands for others of its kind about its time. */
export interface Annotations {
  annotations: AnnotationKept[];
  total: number;
}

/** Which draft, or which version that waits, comes into force, and why. */
export interface ApproveBody {
  draft?: string | null;
  version?: number | null;
  /** Refused where the draft is another text by now. */
  digest?: string | null;
  reason: string;
  reprice_past?: boolean;
}

/** A version that is in force now. */
export interface Approved {
  book: string;
  version: number;
  file: string;
  actor: string;
  reason: string;
  approved_at: string;
  reprices_past: boolean;
  past: Past | null;
  [name: string]: unknown;
}

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

/** The last entry. */
export interface AuditHead {
  seq: number;
  hash: string;
}

/** One entry. */
export interface AuditLine {
  seq: number;
  at: string;
  actor: string;
  via: string;
  action: string;
  target: string;
  details: Record<string, unknown>;
  address: string | null;
  hash: string;
}

/** Entries, the newest first; `next` is the `after` of the page behind it. */
export interface AuditPage {
  entries: AuditLine[];
  next: string | null;
}

/** Whether the chain is whole, and where it first is not. */
export interface AuditState {
  intact: boolean;
  entries: number;
  head: AuditHead;
  broken_seq: number | null;
  /** What is wrong with the entry `broken_seq`. */
  fault: string | null;
}

/** A book with every version and rate, the latest first, and its drafts with their text. */
export interface Book {
  book: string;
  in_force: number | null;
  versions: VersionRates[];
  drafts: DraftText[];
}

/** A book and its versions, the latest first. */
export interface BookListed {
  book: string;
  in_force: number | null;
  kinds: string[];
  currencies: string[];
  versions: Version[];
}

/** Every book that was ever loaded or waits, and the drafts. */
export interface Books {
  books: BookListed[];
  drafts: DraftListed[];
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

/** One step of the bridge, and the cost reached with it. */
export interface BridgeStepOf {
  name: string;
  amount: string;
  reached: string;
}

/** What came of a source, of one who sent it, or on a day; or with by=rule, which rule was broken how often. */
export interface Came {
  source: string;
  [name: string]: unknown;
}

/** One line of a bill in force. `kinds`: how its cost was allocated. */
export interface Charge {
  bill_id: number;
  line: number;
  invoice_id: string | null;
  invoice_issuer_name: string | null;
  billing_currency: string;
  billed_cost: string;
  effective_cost: string;
  charge_period_start: string;
  charge_period_end: string;
  charge_category: string;
  charge_class: string | null;
  charge_description: string | null;
  service_name: string | null;
  cloud_account: string | null;
  region_id: string | null;
  resource_id: string | null;
  sku_id: string | null;
  consumed_quantity: string | null;
  consumed_unit: string | null;
  kinds: string[];
  rules: string[];
  /** Why no one bears it. */
  reasons: string[];
}

/** Lines of bills, in the order of the bills. */
export interface Charges {
  period: string | null;
  charges: Charge[];
  /** Effective cost of all such lines, by currency. */
  totals: Record<string, unknown>[];
  next: string | null;
}

/** Which other period stands beside the one asked for. */
export type Compare = "off" | "previous" | "week" | "year" | "custom";

/** What changes between two versions. */
export interface Compared {
  from: string | null;
  to: string;
  changes: PriceChange[];
}

/** perunit.yaml and its parts. Values that look like secrets are hidden. */
export interface ContractTold {
  text: string;
  units: Record<string, unknown>;
  events: Record<string, unknown>;
  sources: Record<string, unknown>;
  meters: Record<string, unknown>;
  /** By which bills are allocated, in order. */
  rules: Record<string, unknown>[];
  /** JSON Schema of each event type that has one. */
  schemas: Record<string, unknown>;
}

/** From computed cost to what was invoiced: computed + Σ steps = end. */
export interface CostBridge {
  currency: string;
  computed: string;
  steps: BridgeStepOf[];
  effective: string;
  billed: string;
  end: string;
  /** Whether `end` is the invoices' total; else it is the billed cost. */
  is_invoiced: boolean;
  /** What the steps leave; 0. */
  open: string;
}

/** A count before and after. */
export interface Counted {
  before: number;
  after: number;
}

/** What one service and account was charged, and what of it has a bearer. */
export interface CoveredCost {
  currency: string;
  service_name: string | null;
  cloud_account: string | null;
  source_cost: string;
  allocated_cost: string;
  gap: string;
  score: string | null;
}

/** What a person knows. */
export interface Credentials {
  name: string;
  password: string;
}

/** Between which instants there are facts. */
export interface Data {
  first_event: string | null;
  latest_event: string | null;
}

/** A decision to be entered. */
export interface Decided {
  kind: "accept" | "adjust";
  invoice: string;
  issuer?: string | null;
  currency?: string | null;
  /** Added to the lines; needed to adjust. */
  amount?: string | null;
  cause?:
    | "rounding"
    | "tax"
    | "credit"
    | "currency"
    | "timing"
    | "correction"
    | "price"
    | "usage"
    | "duplicate"
    | "missing"
    | "late_data"
    | "other"
    | null;
  reason: string;
}

/** One field that departs from what was sent before, or from the contract. */
export interface Departed {
  source: string;
  producer: string;
  event_type: string;
  field: string;
  change: "new" | "vanished" | "changed" | "unknown" | "missing";
  before: string[];
  after: string[];
  seen: number;
  rows: number;
  first_seen: string | null;
  last_seen: string | null;
}

/** What figures can be cut by. `truncated`: there are more values, shown as `__other__` or not listed. */
export interface Dimension {
  name: string;
  values: string[];
  truncated: boolean;
}

/** A draft to be checked, and kept unless `keep` is false. */
export interface DraftBody {
  /** The price book as YAML. */
  text: string;
  keep?: boolean;
  /** The digest of the draft that it takes the place of. */
  replaces?: string | null;
  /** Cut the impact by these dimensions. */
  by?: string[];
  /** Seen from which unit type. */
  unit?: string | null;
  /** Usage from this hour on. */
  from?: string | null;
  /** Usage up to this hour, itself excluded. */
  to?: string | null;
  /** Price the whole window at the rates in force at this instant. */
  rates_of?: string | null;
}

/** A file in prices/drafts. `book` is null where it cannot be read as one. */
export interface DraftListed {
  draft: string;
  book: string | null;
  digest: string;
  changed_at: string;
  rates: number | null;
  faults: FaultFound[];
}

/** A checked draft. With faults nothing is kept, compared or replayed. */
export interface DraftMade {
  /** Its name, where it is kept. */
  draft: string | null;
  digest: string;
  faults: FaultFound[];
  diff: Compared | null;
  impact: Impact | null;
  /** Null where no past price changes. */
  past: Past | null;
}

/** A draft and what it says. */
export interface DraftText {
  draft: string;
  book: string | null;
  digest: string;
  changed_at: string;
  rates: number | null;
  faults: FaultFound[];
  text: string;
}

/** As `perunit quality --drift --json`. */
export interface DriftFound {
  drift: Departed[];
}

/** A decision about an invoice's difference. */
export interface EntryKept {
  entry_id: number;
  kind: "accept" | "adjust" | "reverse";
  invoice_issuer_name: string | null;
  invoice_id: string;
  billing_currency: string;
  amount: string;
  cause: string | null;
  reason: string;
  actor: string;
  reverses: number | null;
  entered_at: string;
}

/** The entry, and what is left of the invoice's difference. */
export interface EntryMade {
  entry: EntryKept;
  difference: string | null;
}

/** Why somebody is cut from what is stored of them. */
export interface EraseBody {
  reason: string;
}

/** How many facts stay, of nobody. */
export interface Erased {
  facts: number;
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

/** One thing wrong with a text: where, what is there, the rule, the mend. */
export interface FaultFound {
  file: string;
  line: number | null;
  place: string;
  got: string;
  rule: string;
  mend: string;
}

/** One figure before and after a change. */
export interface FigureChanged {
  about: string;
  name: string;
  figure: string;
  currency: string;
  before: string | null;
  after: string | null;
  difference: string | null;
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

/** Every word, in the order of the documentation. */
export interface Glossary {
  words: Word[];
}

/** How a range of time is cut for a query; `TOTAL` leaves it whole. */
export type Grain = "minute" | "hour" | "day" | "month" | "total";

/** What stored usage would have come to under the draft. */
export interface Impact {
  draft: string;
  unit: string;
  currency: string;
  total: ImpactRow;
  /** With the segment's values by dimension. */
  rows: ImpactRow[];
  unpriced_usage: Counted;
}

/** What one segment, or all, would have come to. */
export interface ImpactRow {
  revenue: Sides;
  variable_cost: Sides;
  contribution_margin: Sides;
  [name: string]: unknown;
}

/** One invoice in one currency: difference = lines + entries − total. */
export interface InvoiceTied {
  invoice_issuer_name: string | null;
  invoice_id: string | null;
  billing_currency: string;
  lines: number;
  billed_cost: string;
  /** The part of billed_cost in bills of other periods. */
  billed_elsewhere: string;
  entries: string;
  /** Null where no one has said what it comes to. */
  total: string | null;
  invoice_version: number | null;
  invoice_issue_status: string | null;
  origin: string | null;
  tolerance: string;
  difference: string | null;
  status: string;
}

/** A program's key, which cannot be read back. */
export interface Key {
  id: number;
  name: string;
  prefix: string;
  /** Null: from the command line, or their account is gone. */
  made_by: string | null;
  scopes: string[];
  rows: Record<string, string[]>;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

/** The key itself, this once. */
export interface KeyMade {
  id: number;
  name: string;
  prefix: string;
  /** Null: from the command line, or their account is gone. */
  made_by: string | null;
  scopes: string[];
  rows: Record<string, string[]>;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
  key: string;
}

/** Events that came at most so long after they happened, and longer than the bucket before. */
export interface LagBucket {
  /** Null: longer than all. */
  up_to_seconds: number | null;
  events: number;
}

/** How long after they happened the events of a window came. */
export interface LagHistogram {
  window: WindowAnswer;
  source: string | null;
  buckets: LagBucket[];
  events: number;
}

/** A period whose figures stand; without an issuer it is locked for all. */
export interface LockKept {
  lock_id: number;
  window: Span;
  invoice_issuer_name: string | null;
  actor: string;
  reason: string;
  locked_at: string;
}

/** A lock to be made. */
export interface LockMade {
  /** A month, such as 2026-05. */
  period: string;
  issuer?: string | null;
  reason: string;
}

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

/** Somebody to let in; without a password, a link signs them in first. */
export interface NewAccount {
  name: string;
  role: Role;
  email?: string | null;
  /** Dimension → the only values they see. */
  rows?: Record<string, string[]>;
}

/** What a key is for and may do: at most what who makes it may. */
export interface NewKey {
  name: string;
  scopes: Permission[];
  rows?: Record<string, string[]>;
  expires_at?: string | null;
}

/** That one can sign in through a provider. */
export interface OidcOffer {
  /** What stands on the button. */
  name: string;
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

/** Another password of one's own. */
export interface PasswordGiven {
  /** Needed where there is one. */
  current?: string | null;
  password: string;
}

/** From when on the price of past usage changes, and by how much. */
export interface Past {
  from: string;
  amounts: PastAmount[];
}

/** What past usage of one kind comes to. */
export interface PastAmount {
  kind: string;
  currency: string;
  before: string;
  after: string;
  change: string;
}

/** One billing period. */
export interface Period {
  period: string;
  status: "closed" | "provisional";
  verdict: "ties out" | "differs" | "inconclusive";
  totals: PeriodTotal[];
  invoices: number;
  locked_at: string | null;
}

/** What a period comes to in one currency. */
export interface PeriodTotal {
  currency: string;
  billed: string;
  invoiced: string | null;
  difference: string | null;
}

/** Every billing period that there are bills or invoices of, the latest first. */
export interface Periods {
  periods: Period[];
}

/** One thing that a viewer may be let do. */
export type Permission =
  | "measures:financial"
  | "measures:operational"
  | "units:read"
  | "units:reveal"
  | "reconciliation:read"
  | "reconciliation:decide"
  | "prices:read"
  | "prices:change"
  | "prices:approve"
  | "quality:read"
  | "quarantine:read"
  | "quarantine:replay"
  | "annotations:write"
  | "views:share"
  | "figures:export"
  | "people:manage"
  | "keys:manage"
  | "audit:read"
  | "privacy:erase"
  | "facts:write";

/** Somebody with an account. */
export interface Person {
  id: number;
  name: string;
  email: string | null;
  role: string;
}

/** A version of a price book with a rate within the window, and who put it in force. */
export interface PriceBookInForce {
  book: string;
  version: number;
  effective_from: string | null;
  approved_by: string | null;
  approved_at: string | null;
}

/** One price within a range of time, before and after. */
export interface PriceChange {
  what: "added" | "ended" | "changed";
  kind: string;
  meter: string;
  event_type: string | null;
  conditions: Record<string, string>;
  from: string;
  to: string | null;
  before: Side | null;
  after: Side | null;
  /** The relative change of the unit price. */
  ratio: string | null;
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

/** As `perunit quality --json`. */
export interface Quality {
  by: "source" | "producer" | "day" | "rule";
  window: WindowAnswer;
  rows: Came[];
  breaches: Record<string, unknown>[];
}

/** The questions of a dashboard. */
export interface Queries {
  queries: Asked[];
}

/** One rate; a price by volume has `tiers`. Where `adjusts` is set, it multiplies rates of that kind. */
export interface RateListed {
  rate_id: string;
  kind: string;
  meter: string;
  event_type: string | null;
  conditions: Record<string, string>;
  price: string;
  per: string;
  unit: string | null;
  currency: string;
  adjusts: string | null;
  unit_price: string;
  tiers: unknown;
  effective_from: string;
  effective_to: string | null;
  in_force: boolean;
  approved_by: string | null;
  reason: string | null;
  approved_at: string | null;
  status: "effective" | "future" | "ended" | "withdrawn" | "draft" | "awaiting approval";
}

/** Rates over time, oldest first. */
export interface Rates {
  window: WindowAnswer;
  grain: "hour" | "day";
  rows: RatesAt[];
}

/** What came of a source in an hour or a day. `unpriced` is of usage that happened then. */
export interface RatesAt {
  bucket: string;
  source: string;
  received: number;
  accepted: number;
  duplicate: number;
  conflict: number;
  rejected: number;
  orphan: number;
  late: number;
  unpriced: number;
  duplicate_rate: string | null;
  rejected_rate: string | null;
  orphan_rate: string | null;
  late_rate: string | null;
  /** Rule → rows that broke it. */
  rules: Record<string, number>;
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

/** A billing period as finance sees it. */
export interface Reconciled {
  period: string;
  status: "closed" | "provisional";
  verdict: "ties out" | "differs" | "inconclusive";
  tolerance: string;
  invoices: InvoiceTied[];
  scores: Score[];
  entries: EntryKept[];
  locks: LockKept[];
  bridges: CostBridge[];
  /** With `variance=true`; else empty. */
  variances: VarianceLine[];
  variance_by_meter: VarianceSum[];
  variance_by_service: VarianceSum[];
  variance_by_day: VarianceSum[];
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

/** Which rows are loaded again: those of `ids`, or all that fit the rest; and why. */
export interface ReplayBody {
  ids?: number[] | null;
  source?: string | null;
  rule?: string | null;
  kind?: "rejected" | "conflict";
  reason: string;
}

/** What became of them, and how many rows wait now. */
export interface Replayed {
  reports: Report[];
  waiting: number;
}

/** What became of rows that were loaded again. */
export interface Report {
  source: string;
  received: number;
  accepted: number;
  duplicate: number;
  conflict: number;
  rejected: number;
  [name: string]: unknown;
}

/** A change that came after a period's figures stood. */
export interface Restatement {
  period: string;
  cause: string;
  what: string[];
  at: string;
  differences: FigureChanged[];
}

/** Oldest first; empty where no period is locked. */
export interface Restatements {
  restatements: Restatement[];
}

/** Answers in the order of the questions. */
export interface Results {
  results: (Figures | Refused)[];
}

/** Why somebody has to know. */
export interface RevealBody {
  reason: string;
}

/** The id as services know it. */
export interface Revealed {
  id: string;
}

/** Why an entry is taken back. */
export interface Reversed {
  reason: string;
}

/** What a person is here to do. */
export type Role = "viewer" | "product" | "oncall" | "engineer" | "finance" | "executive" | "admin";

/** A role, and what it may. */
export interface RoleEntry {
  name: string;
  permissions: string[];
}

/** Which version's prices come back, and why. */
export interface RollbackBody {
  to: number;
  reason: string;
  reprice_past?: boolean;
}

/** Rows that broke one rule. */
export interface RuleCount {
  source: string;
  kind: "rejected" | "conflict";
  rule: string;
  place: string;
  rows: number;
  example: number;
  expected: string;
  since: string;
}

/** The reconciliation score of one currency. */
export interface Score {
  currency: string;
  reconciliation_score: string | null;
  costs: CoveredCost[];
}

/** Who is signed in, and what they may. */
export interface SessionAnswer {
  user: Person | null;
  permissions: string[];
  /** Dimension → the only values that are seen. */
  rows: Record<string, string[]>;
  /** To be sent as X-CSRF-Token with what changes something. */
  csrf_token: string | null;
  /** Whether the person signed in can do so with a password. */
  has_password: boolean;
  /** Nobody has an account yet. */
  setup_required: boolean;
  oidc: OidcOffer | null;
  demo: boolean;
  version: string;
}

/** The first administrator. */
export interface SetupGiven {
  token: string;
  name: string;
  password: string;
}

/** A price on one side of a change. */
export interface Side {
  rate_id: string;
  price: string;
  per: string;
  unit_price: string;
  [name: string]: unknown;
}

/** A figure before and after. */
export interface Sides {
  before: string | null;
  after: string | null;
  change: string | null;
}

/** A half-open range of time. */
export interface Span {
  start: string;
  end: string;
}

/** A link that signs in once. */
export interface TicketAnswer {
  url: string;
  hours: number;
}

/** What a link holds. */
export interface TicketGiven {
  ticket: string;
}

/** One place to go to, what to look at, and why. */
export interface TourStep {
  title: string;
  text: string;
  link: string;
  highlight?: string | null;
}

/** Some steps that tell one thing. */
export interface TourStory {
  id: string;
  title: string;
  intro: string;
  steps: TourStep[];
}

/** The stories of a demonstration. */
export interface TourTold {
  stories: TourStory[];
}

/** One unit of a listing. */
export interface UnitLine {
  id: string;
  opened_at: string;
  last_event: string;
  segments: Record<string, string | null>;
  /** Null, as cost and margin, where the viewer may not see all of it. */
  revenue: string | null;
  cost: string | null;
  margin: string | null;
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

/** billed − estimated of one meter, resource and charge period, by cause. */
export interface VarianceLine {
  /** Of the lines compared, several with commas; null where there is none. */
  service: string | null;
  meter: string;
  resource: string | null;
  charge_period_start: string | null;
  charge_period_end: string | null;
  currency: string;
  billed: string;
  estimated: string;
  billed_quantity: string | null;
  measured_quantity: string | null;
  parts: Record<string, string>;
  variance: string;
}

/** Variances of one meter, day or service together. */
export interface VarianceSum {
  key: string | null;
  currency: string;
  billed: string;
  estimated: string;
  variance: string;
  parts: Record<string, string>;
}

/** One version of a book, as loaded; it never changes. */
export interface Version {
  version: number;
  status: "in force" | "withdrawn" | "awaiting approval";
  file: string;
  loaded_at: string | null;
  withdrawn_at: string | null;
  approved_by: string | null;
  approved_at: string | null;
  reason: string | null;
  reprices_past: boolean | null;
  rolled_back_to: number | null;
  effective_from: string | null;
  /** Null where a rate has no end. */
  effective_to: string | null;
  rates: number;
}

/** A version with its rates and its text. */
export interface VersionRates {
  version: number;
  status: "in force" | "withdrawn" | "awaiting approval";
  file: string;
  loaded_at: string | null;
  withdrawn_at: string | null;
  approved_by: string | null;
  approved_at: string | null;
  reason: string | null;
  reprices_past: boolean | null;
  rolled_back_to: number | null;
  effective_from: string | null;
  /** Null where a rate has no end. */
  effective_to: string | null;
  rates: number;
  content: string;
  listed: RateListed[];
}

/** A view to be kept. `state` is the page's query string. */
export interface ViewBody {
  name: string;
  /** A page here, such as `/executive`. */
  page: string;
  state: string;
  shared?: boolean;
}

/** What changes of a view; what is left out stays. */
export interface ViewChange {
  name?: string | null;
  state?: string | null;
  shared?: boolean | null;
}

/** A view. `own`: it is the viewer's. */
export interface ViewKept {
  id: number;
  name: string;
  page: string;
  state: string;
  shared: boolean;
  own: boolean;
  owner: string | null;
  changed_at: string;
}

/** The viewer's own and those that others share, by name. */
export interface Views {
  views: ViewKept[];
}

/** A row that waits, without what it held. */
export interface Waiting {
  quarantine_id: number;
  batch_id: number;
  source: string;
  file_name: string;
  position: number;
  kind: "rejected" | "conflict";
  rule: string;
  place: string;
  got: string | null;
  expected: string;
  quarantined_at: string;
}

/** Rows that wait, oldest first, and all of them counted by rule. */
export interface WaitingRows {
  summary: RuleCount[];
  rows: Waiting[];
  next: string | null;
}

/** A row that waits, whole. */
export interface WaitingWhole {
  quarantine_id: number;
  batch_id: number;
  source: string;
  file_name: string;
  position: number;
  kind: "rejected" | "conflict";
  rule: string;
  place: string;
  got: string | null;
  expected: string;
  quarantined_at: string;
  raw: string;
}

/** A half-open range of time; null is an open side. */
export interface WindowAnswer {
  start: string | null;
  end: string | null;
}

/** One entry of the glossary. */
export interface Word {
  words: string[];
  meaning: string;
  where: string;
}

/** Every operation by its name; paths are below /api/v1. */
export interface Operations {
  /** Make an account */
  addUser: {
    method: "POST";
    path: "/users";
    pathParams: {};
    params: {};
    body: NewAccount;
    response: Account;
  };
  /** Note what happened */
  annotate: {
    method: "POST";
    path: "/annotations";
    pathParams: {};
    params: {};
    body: AnnotationBody;
    response: AnnotationKept;
  };
  /** Put a draft in force as the next version of its book */
  approveBook: {
    method: "POST";
    path: "/prices/{book}/approve";
    pathParams: {
      /** A book that is there. */
      book: string;
    };
    params: {};
    body: ApproveBody;
    response: Approved;
  };
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
  /** Choose another password */
  changePassword: {
    method: "PUT";
    path: "/session/password";
    pathParams: {};
    params: {};
    body: PasswordGiven;
    response: SessionAnswer;
  };
  /** Change an account */
  changeUser: {
    method: "PATCH";
    path: "/users/{id}";
    pathParams: {
      id: number;
    };
    params: {};
    body: AccountChange;
    response: Account;
  };
  /** Change one's own view */
  changeView: {
    method: "PATCH";
    path: "/views/{view_id}";
    pathParams: {
      view_id: number;
    };
    params: {};
    body: ViewChange;
    response: ViewKept;
  };
  /** Take an annotation away */
  deleteAnnotation: {
    method: "DELETE";
    path: "/annotations/{annotation_id}";
    pathParams: {
      annotation_id: number;
    };
    params: {};
    body: undefined;
    response: Response;
  };
  /** Take a view away */
  deleteView: {
    method: "DELETE";
    path: "/views/{view_id}";
    pathParams: {
      view_id: number;
    };
    params: {};
    body: undefined;
    response: Response;
  };
  /** What changes between two versions, rate by rate */
  diffBook: {
    method: "GET";
    path: "/prices/{book}/diff";
    pathParams: {
      /** A book that is there. */
      book: string;
    };
    params: {
      /** The one before, else. */
      from?: number | null;
      /** A version or a draft; the newest, else. */
      to?: string | null;
    };
    body: undefined;
    response: Compared;
  };
  /** Check a draft, see what it would change, and keep it */
  draftBook: {
    method: "POST";
    path: "/prices/{book}/drafts";
    pathParams: {
      /** A book that is there. */
      book: string;
    };
    params: {};
    body: DraftBody;
    response: DraftMade;
  };
  /** Accept an invoice's difference, or adjust for it */
  enterDecision: {
    method: "POST";
    path: "/reconciliation/entries";
    pathParams: {};
    params: {};
    body: Decided;
    response: EntryMade;
  };
  /** Cut all that is stored from a unit; sums stay */
  eraseUnit: {
    method: "POST";
    path: "/units/{unit_type}/{unit_id}/erase";
    pathParams: {
      unit_type: string;
      /** The id or the pseudonym. */
      unit_id: string;
    };
    params: {};
    body: EraseBody;
    response: Erased;
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
  /** Back from the identity provider */
  finishOidc: {
    method: "GET";
    path: "/oidc/callback";
    pathParams: {};
    params: {
      code?: string;
      state?: string;
      error?: string;
      iss?: string | null;
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
  /** What happened in a window */
  listAnnotations: {
    method: "GET";
    path: "/annotations";
    pathParams: {};
    params: {
      /** From this instant on. */
      from?: string | null;
      /** Up to this instant, itself excluded. */
      to?: string | null;
      /** Only these kinds. */
      kind?: ("deployment" | "flag" | "incident" | "price_change" | "note")[];
      /** At most this many. */
      limit?: number;
    };
    body: undefined;
    response: Annotations;
  };
  /** Who did what */
  listAudit: {
    method: "GET";
    path: "/audit";
    pathParams: {};
    params: {
      /** By whom. */
      actor?: string | null;
      /** What was done. */
      action?: string | null;
      /** Anywhere in an entry. */
      q?: string | null;
      /** From this instant on. */
      from?: string | null;
      /** Up to this instant, itself excluded. */
      to?: string | null;
      /** The `next` of the page before. */
      after?: string | null;
      limit?: number;
    };
    body: undefined;
    response: AuditPage;
  };
  /** Price books, their versions and approvals, and drafts */
  listBooks: {
    method: "GET";
    path: "/prices";
    pathParams: {};
    params: {};
    body: undefined;
    response: Books;
  };
  /** Lines of bills, and those that no one bears */
  listCharges: {
    method: "GET";
    path: "/charges";
    pathParams: {};
    params: {
      /** A month such as 2026-05; the last one by default. */
      period?: string | null;
      /** Only lines that no rule finds a bearer of. */
      unmatched?: boolean;
      /** Only this service. */
      service?: string | null;
      /** The `next` of the answer before. */
      after?: string | null;
      /** At most this many. */
      limit?: number;
    };
    body: undefined;
    response: Charges;
  };
  /** Every decision about an invoice */
  listEntries: {
    method: "GET";
    path: "/reconciliation/entries";
    pathParams: {};
    params: {};
    body: undefined;
    response: EntryKept[];
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
  /** Programs' keys */
  listKeys: {
    method: "GET";
    path: "/keys";
    pathParams: {};
    params: {};
    body: undefined;
    response: Key[];
  };
  /** Every lock of a period */
  listLocks: {
    method: "GET";
    path: "/reconciliation/locks";
    pathParams: {};
    params: {};
    body: undefined;
    response: LockKept[];
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
  /** Every billing period and whether it ties out */
  listPeriods: {
    method: "GET";
    path: "/reconciliation/periods";
    pathParams: {};
    params: {};
    body: undefined;
    response: Periods;
  };
  /** Rows that wait in quarantine, and why */
  listQuarantine: {
    method: "GET";
    path: "/quarantine";
    pathParams: {};
    params: {
      /** Only refused, or only conflicting ones. */
      kind?: "rejected" | "conflict" | null;
      /** Only of this source. */
      source?: string | null;
      /** Only those that broke this rule. */
      rule?: string | null;
      /** The `next` of the answer before. */
      after?: string | null;
      /** At most this many. */
      limit?: number;
    };
    body: undefined;
    response: WaitingRows;
  };
  /** What has changed in closed periods, and why */
  listRestatements: {
    method: "GET";
    path: "/restatements";
    pathParams: {};
    params: {
      /** A month; every locked one by default. */
      period?: string | null;
      /** Compared with what was known then. */
      since?: string | null;
    };
    body: undefined;
    response: Restatements;
  };
  /** What each role may */
  listRoles: {
    method: "GET";
    path: "/roles";
    pathParams: {};
    params: {};
    body: undefined;
    response: RoleEntry[];
  };
  /** Units in order of what they earn */
  listUnits: {
    method: "GET";
    path: "/units/{unit_type}";
    pathParams: {
      unit_type: string;
    };
    params: {
      /** What least of comes first, most with `-`: margin, or -last_event without money. */
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
        | "-id"
        | null;
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
  /** Who has an account */
  listUsers: {
    method: "GET";
    path: "/users";
    pathParams: {};
    params: {};
    body: undefined;
    response: Account[];
  };
  /** One's own views and shared ones */
  listViews: {
    method: "GET";
    path: "/views";
    pathParams: {};
    params: {};
    body: undefined;
    response: Views;
  };
  /** Lock a billing period */
  lockPeriod: {
    method: "POST";
    path: "/reconciliation/locks";
    pathParams: {};
    params: {};
    body: LockMade;
    response: LockKept;
  };
  /** Make a key */
  makeKey: {
    method: "POST";
    path: "/keys";
    pathParams: {};
    params: {};
    body: NewKey;
    response: KeyMade;
  };
  /** Make a link to sign in with */
  makeTicket: {
    method: "POST";
    path: "/users/{id}/ticket";
    pathParams: {
      id: number;
    };
    params: {};
    body: undefined;
    response: TicketAnswer;
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
  /** A price book: every version with its rates */
  readBook: {
    method: "GET";
    path: "/prices/{book}";
    pathParams: {
      /** A book that is there. */
      book: string;
    };
    params: {};
    body: undefined;
    response: Book;
  };
  /** The contract and its parts */
  readContract: {
    method: "GET";
    path: "/contract";
    pathParams: {};
    params: {};
    body: undefined;
    response: ContractTold;
  };
  /** Fields that are new, gone, changed, unknown or missing */
  readDrift: {
    method: "GET";
    path: "/quality/drift";
    pathParams: {};
    params: {
      /** What came from then on; the last 7 days by default. */
      from?: string | null;
      /** Only this source. */
      source?: string | null;
    };
    body: undefined;
    response: DriftFound;
  };
  /** What each word means */
  readGlossary: {
    method: "GET";
    path: "/glossary";
    pathParams: {};
    params: {};
    body: undefined;
    response: Glossary;
  };
  /** How long after they happened events came */
  readLag: {
    method: "GET";
    path: "/quality/lag";
    pathParams: {};
    params: {
      /** What came from then on; the last 7 days by default. */
      from?: string | null;
      /** What came up to this instant, itself excluded. */
      to?: string | null;
      /** Only this source. */
      source?: string | null;
    };
    body: undefined;
    response: LagHistogram;
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
  /** Freshness, counts and rates by source, producer, day or rule */
  readQuality: {
    method: "GET";
    path: "/quality";
    pathParams: {};
    params: {
      /** What came from then on; the last 7 days by default. */
      from?: string | null;
      /** What came up to this instant, itself excluded. */
      to?: string | null;
      /** What a row is of. */
      by?: "source" | "producer" | "day" | "rule";
      /** Only this source. */
      source?: string | null;
    };
    body: undefined;
    response: Quality;
  };
  /** One row that waits, whole */
  readQuarantined: {
    method: "GET";
    path: "/quarantine/{quarantine_id}";
    pathParams: {
      quarantine_id: number;
    };
    params: {};
    body: undefined;
    response: WaitingWhole;
  };
  /** Duplicates, rejects by rule, orphans, late and unpriced over time */
  readRates: {
    method: "GET";
    path: "/quality/rates";
    pathParams: {};
    params: {
      /** What came from then on; the last 7 days by default. */
      from?: string | null;
      /** What came up to this instant, itself excluded. */
      to?: string | null;
      /** How time is cut. */
      grain?: "hour" | "day";
    };
    body: undefined;
    response: Rates;
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
  /** A billing period: tie-out, score, bridge, variance, decisions */
  readReconciliation: {
    method: "GET";
    path: "/reconciliation";
    pathParams: {};
    params: {
      /** A month such as 2026-05; the last one by default. */
      period?: string | null;
      /** Only this currency. */
      currency?: string | null;
      /** As known at this instant. */
      as_of?: string | null;
      /** Every meter and resource of every charge period too. */
      variance?: boolean;
    };
    body: undefined;
    response: Reconciled;
  };
  /** Who is signed in */
  readSession: {
    method: "GET";
    path: "/session";
    pathParams: {};
    params: {};
    body: undefined;
    response: SessionAnswer;
  };
  /** The stories of a demonstration */
  readTour: {
    method: "GET";
    path: "/tour";
    pathParams: {};
    params: {};
    body: undefined;
    response: TourTold;
  };
  /** Take an account away */
  removeUser: {
    method: "DELETE";
    path: "/users/{id}";
    pathParams: {
      id: number;
    };
    params: {};
    body: undefined;
    response: Response;
  };
  /** Load waiting rows again under the contract of today */
  replayQuarantine: {
    method: "POST";
    path: "/quarantine/replay";
    pathParams: {};
    params: {};
    body: ReplayBody;
    response: Replayed;
  };
  /** Show the id behind a pseudonym */
  revealUnit: {
    method: "POST";
    path: "/units/{unit_type}/{unit_id}/reveal";
    pathParams: {
      unit_type: string;
      /** The pseudonym. */
      unit_id: string;
    };
    params: {};
    body: RevealBody;
    response: Revealed;
  };
  /** Take a decision back */
  reverseEntry: {
    method: "DELETE";
    path: "/reconciliation/entries/{entry_id}";
    pathParams: {
      entry_id: number;
    };
    params: {};
    body: Reversed;
    response: EntryMade;
  };
  /** Revoke a key */
  revokeKey: {
    method: "DELETE";
    path: "/keys/{id}";
    pathParams: {
      id: number;
    };
    params: {};
    body: undefined;
    response: Response;
  };
  /** Put the prices of an earlier version in force again */
  rollBackBook: {
    method: "POST";
    path: "/prices/{book}/rollback";
    pathParams: {
      /** A book that is there. */
      book: string;
    };
    params: {};
    body: RollbackBody;
    response: Approved;
  };
  /** Keep a page as it is */
  saveView: {
    method: "POST";
    path: "/views";
    pathParams: {};
    params: {};
    body: ViewBody;
    response: ViewKept;
  };
  /** Make the first account */
  setUp: {
    method: "POST";
    path: "/setup";
    pathParams: {};
    params: {};
    body: SetupGiven;
    response: SessionAnswer;
  };
  /** Sign in with a password */
  signIn: {
    method: "POST";
    path: "/session";
    pathParams: {};
    params: {};
    body: Credentials;
    response: SessionAnswer;
  };
  /** Sign in with a link */
  signInByTicket: {
    method: "POST";
    path: "/session/ticket";
    pathParams: {};
    params: {};
    body: TicketGiven;
    response: SessionAnswer;
  };
  /** Sign out */
  signOut: {
    method: "DELETE";
    path: "/session";
    pathParams: {};
    params: {};
    body: undefined;
    response: Response;
  };
  /** Sign in through the identity provider */
  startOidc: {
    method: "GET";
    path: "/oidc/start";
    pathParams: {};
    params: {
      return_to?: string;
    };
    body: undefined;
    response: Response;
  };
  /** Whether the audit is whole */
  verifyAudit: {
    method: "GET";
    path: "/audit/verify";
    pathParams: {};
    params: {
      /** A head kept elsewhere, SEQ:HASH. */
      head?: string | null;
    };
    body: undefined;
    response: AuditState;
  };
}

export type OperationName = keyof Operations;
