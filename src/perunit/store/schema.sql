-- The tables of a project. Times are UTC in TIMESTAMP; windows are [start, end).
-- Two tables grow columns with the contract: cells (segment_<dimension>, shown_<dimension>) and
-- events (unit_<unit type>, usage_<meter>). Columns are only ever added.

-- One committed group of rows of one file or door. received = accepted + duplicate + conflict + rejected, always;
-- ignored rows, which the source's match leaves out, are not among them.
CREATE TABLE IF NOT EXISTS batches (
    batch_id INTEGER PRIMARY KEY, run_id VARCHAR NOT NULL, source VARCHAR NOT NULL, file_name VARCHAR NOT NULL,
    chunk INTEGER NOT NULL, digest VARCHAR NOT NULL, ingested_at TIMESTAMP NOT NULL, columns VARCHAR,
    received BIGINT NOT NULL, accepted BIGINT NOT NULL, duplicate BIGINT NOT NULL, conflict BIGINT NOT NULL,
    rejected BIGINT NOT NULL, orphan BIGINT NOT NULL, late BIGINT NOT NULL, blank BIGINT NOT NULL,
    watermark TIMESTAMP, ignored BIGINT NOT NULL DEFAULT 0);

-- Which bit of a cell's masks stands for which unit type.
CREATE TABLE IF NOT EXISTS unit_types (unit_type VARCHAR PRIMARY KEY, bit INTEGER NOT NULL UNIQUE);

-- One combination of all that is not unique to an event. cell_hash depends on content only, cell_id on arrival.
-- Masks have bit b set: unit_mask, the event carries a key of that unit type; orphan_mask, it should and does not;
-- attempt_mask and success_mask, it is an attempt or a success of that unit type.
-- shown_cell_id is the cell after the segment guard: the one that rollups use.
-- weight: how many like each of its events there were, 1 where none were left out, null where that is not known.
CREATE TABLE IF NOT EXISTS cells (
    cell_id INTEGER PRIMARY KEY, cell_hash UBIGINT NOT NULL, shown_cell_id INTEGER NOT NULL,
    source VARCHAR NOT NULL, event_type VARCHAR NOT NULL, outcome VARCHAR, currency VARCHAR NOT NULL,
    unit_mask BIGINT NOT NULL, orphan_mask BIGINT NOT NULL, attempt_mask BIGINT NOT NULL, success_mask BIGINT NOT NULL,
    weight DECIMAL(38, 18) DEFAULT 1);

-- Every value a segment dimension has taken; the first `limit` by (first_seen, value) are shown by name.
CREATE TABLE IF NOT EXISTS segment_values (
    dimension VARCHAR NOT NULL, value VARCHAR NOT NULL, first_seen TIMESTAMP NOT NULL, shown BOOLEAN NOT NULL,
    PRIMARY KEY (dimension, value));

-- The facts. Immutable; unique by (cells.source, id). event_key is the engine's hash of the two, payload_hash that of
-- the fields the contract declares beside those kept here. sampled_by: what was kept or dropped as one; null is the unit.
CREATE TABLE IF NOT EXISTS events (
    event_key UBIGINT NOT NULL, id VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL, batch_id INTEGER NOT NULL,
    cell_id INTEGER NOT NULL, late BOOLEAN NOT NULL, intent VARCHAR, resource VARCHAR,
    revenue DECIMAL(38, 12), discount DECIMAL(38, 12), refund DECIMAL(38, 12), fee DECIMAL(38, 12),
    tax DECIMAL(38, 12), cost DECIMAL(38, 12), latency_ms DECIMAL(18, 6), payload_hash UBIGINT,
    sampled_by VARCHAR);

-- Deliveries of an accepted event beyond the first: facts too, so that a recomputation counts them again.
CREATE TABLE IF NOT EXISTS duplicates (id VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL, batch_id INTEGER NOT NULL, cell_id INTEGER NOT NULL);

-- What was refused or contradicts an accepted fact, whole.
CREATE SEQUENCE IF NOT EXISTS quarantine_ids;
CREATE TABLE IF NOT EXISTS quarantine (
    quarantine_id BIGINT PRIMARY KEY DEFAULT nextval('quarantine_ids'), batch_id INTEGER NOT NULL,
    source VARCHAR NOT NULL, file_name VARCHAR NOT NULL, position BIGINT NOT NULL, kind VARCHAR NOT NULL,
    rule VARCHAR NOT NULL, place VARCHAR NOT NULL, got VARCHAR, expected VARCHAR NOT NULL, raw VARCHAR NOT NULL,
    quarantined_at TIMESTAMP NOT NULL, replayed_in INTEGER);

-- What a pseudonym stands for, sealed with a key that is not in the store; no row where it was erased.
CREATE TABLE IF NOT EXISTS identities (unit_type VARCHAR NOT NULL, pseudonym VARCHAR NOT NULL, sealed VARCHAR NOT NULL);

-- Sums per window and cell; several partial rows of one (window_start, cell_id) are one row. window_start is the
-- hour, or the instant within it at which a price changes.
CREATE TABLE IF NOT EXISTS rollup (
    window_start TIMESTAMP NOT NULL, cell_id INTEGER NOT NULL, events BIGINT NOT NULL, duplicates BIGINT NOT NULL,
    late BIGINT NOT NULL, revenue DECIMAL(38, 12), discount DECIMAL(38, 12), refund DECIMAL(38, 12),
    fee DECIMAL(38, 12), tax DECIMAL(38, 12), cost DECIMAL(38, 12));

-- Usage per window, cell, meter and resource; usage_events counts the facts behind the quantity.
CREATE TABLE IF NOT EXISTS rollup_usage (
    window_start TIMESTAMP NOT NULL, cell_id INTEGER NOT NULL, meter VARCHAR NOT NULL, resource VARCHAR,
    usage_events BIGINT NOT NULL, quantity DECIMAL(38, 9) NOT NULL);

-- rollup and rollup_usage times the rates in force: kind is cost, revenue or fee. rate_id null: unpriced usage.
-- superseded: a bill's usage rule covers this meter, resource and window, so its billed cost counts instead.
CREATE TABLE IF NOT EXISTS rollup_priced (
    window_start TIMESTAMP NOT NULL, cell_id INTEGER NOT NULL, kind VARCHAR NOT NULL, meter VARCHAR NOT NULL,
    resource VARCHAR, rate_id VARCHAR, currency VARCHAR, usage_events BIGINT NOT NULL, quantity DECIMAL(38, 12),
    amount DECIMAL(38, 24), superseded BOOLEAN NOT NULL DEFAULT false);

-- Base-2 log buckets at scale 5 per day and cell; bucket null counts zeros. latency_sum in milliseconds.
CREATE TABLE IF NOT EXISTS rollup_latency (
    day TIMESTAMP NOT NULL, cell_id INTEGER NOT NULL, bucket INTEGER, observations BIGINT NOT NULL,
    latency_sum DECIMAL(38, 6) NOT NULL, latency_min DECIMAL(18, 6) NOT NULL, latency_max DECIMAL(18, 6) NOT NULL);

-- One row a unit: when it opened and in which cell. Order-free: the least (event_time, cell_hash).
-- weight: the least known one of its events, here and below: a unit is seen as often as what is kept most often of it.
CREATE TABLE IF NOT EXISTS units (
    unit_type VARCHAR NOT NULL, unit_key VARCHAR NOT NULL, opened_at TIMESTAMP NOT NULL, cell_id INTEGER NOT NULL,
    weight DECIMAL(38, 18) DEFAULT 1);

-- Units opened per hour and cell; negative rows take back an opening that an earlier event replaced.
CREATE TABLE IF NOT EXISTS rollup_units (
    window_start TIMESTAMP NOT NULL, unit_type VARCHAR NOT NULL, cell_id INTEGER NOT NULL, opened BIGINT NOT NULL,
    weight DECIMAL(38, 18) DEFAULT 1);

-- Sums per unit and day, as partial rows; priced_* are the rates in force at each event.
CREATE TABLE IF NOT EXISTS unit_days (
    day TIMESTAMP NOT NULL, unit_type VARCHAR NOT NULL, unit_key VARCHAR NOT NULL, currency VARCHAR NOT NULL,
    events BIGINT NOT NULL, attempts BIGINT NOT NULL, successes BIGINT NOT NULL,
    revenue DECIMAL(38, 12), discount DECIMAL(38, 12), refund DECIMAL(38, 12), fee DECIMAL(38, 12),
    tax DECIMAL(38, 12), cost DECIMAL(38, 12), priced_cost DECIMAL(38, 24), priced_revenue DECIMAL(38, 24),
    priced_fee DECIMAL(38, 24), unpriced BIGINT NOT NULL,
    first_time TIMESTAMP NOT NULL, last_time TIMESTAMP NOT NULL, weight DECIMAL(38, 18) DEFAULT 1);

-- Price books as loaded; a version is never changed. withdrawn_at: its file is gone or a later version is in force.
-- content: the text of its file without the approval, so that it can be put in force again.
CREATE TABLE IF NOT EXISTS price_books (
    book VARCHAR NOT NULL, version INTEGER NOT NULL, digest VARCHAR NOT NULL, file_name VARCHAR NOT NULL,
    loaded_at TIMESTAMP NOT NULL, withdrawn_at TIMESTAMP, content VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (book, version));

-- Who put a version in force, when and why: what its file says, as first seen at recorded_at. Never changed.
CREATE TABLE IF NOT EXISTS price_approvals (
    book VARCHAR NOT NULL, version INTEGER NOT NULL, actor VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    approved_at TIMESTAMP NOT NULL, reprices_past BOOLEAN NOT NULL, rolled_back_to INTEGER,
    recorded_at TIMESTAMP NOT NULL, PRIMARY KEY (book, version));

-- Rates of every loaded version. A fee has two rows: meter '@<account>' for its percentage, '@events' for its
-- fixed part, both limited to event_type. An adjustment multiplies the rates of the kind `adjusts` by its unit price;
-- what that gave of a rate where it applied is a row too, named after both, with the rate in base_rate_id.
-- conditions: segment (or 'resource') → value, most specific wins. tiers: a price by volume as JSON; its price and
-- unit price are 0, and its amounts come from the total of each month.
CREATE TABLE IF NOT EXISTS rates (
    rate_id VARCHAR PRIMARY KEY, book VARCHAR NOT NULL, version INTEGER NOT NULL, kind VARCHAR NOT NULL,
    meter VARCHAR NOT NULL, event_type VARCHAR, conditions MAP(VARCHAR, VARCHAR) NOT NULL,
    price DECIMAL(38, 15) NOT NULL, per DECIMAL(38, 9) NOT NULL, unit VARCHAR, currency VARCHAR NOT NULL,
    unit_price DECIMAL(38, 15) NOT NULL, effective_from TIMESTAMP NOT NULL, effective_to TIMESTAMP,
    adjusts VARCHAR, base_rate_id VARCHAR, tiers VARCHAR);

-- Reference rates: on `day`, one `base` was worth `rate` of `quote`. superseded_at: a later file revised the value.
CREATE TABLE IF NOT EXISTS fx_rates (
    base VARCHAR NOT NULL, quote VARCHAR NOT NULL, day DATE NOT NULL, rate DECIMAL(38, 15) NOT NULL,
    origin VARCHAR NOT NULL, loaded_at TIMESTAMP NOT NULL, superseded_at TIMESTAMP);

-- One imported version of one billing period of one billing account. superseded_at null: the one in force.
CREATE TABLE IF NOT EXISTS bills (
    bill_id INTEGER PRIMARY KEY, bill_source VARCHAR NOT NULL, billing_account_id VARCHAR NOT NULL,
    billing_currency VARCHAR NOT NULL, billing_period_start TIMESTAMP NOT NULL, billing_period_end TIMESTAMP NOT NULL,
    version INTEGER NOT NULL, file_name VARCHAR NOT NULL, digest VARCHAR NOT NULL, imported_at TIMESTAMP NOT NULL,
    superseded_at TIMESTAMP, lines BIGINT NOT NULL, billed_cost DECIMAL(38, 18) NOT NULL,
    effective_cost DECIMAL(38, 18) NOT NULL);

-- Bill lines in FOCUS terms. allocated_*: what a provider has allocated the cost of resource_id to already;
-- allocated_part: 'used' or 'unused' where it says which part of the resource the cost is of.
CREATE TABLE IF NOT EXISTS charges (
    bill_id INTEGER NOT NULL, line BIGINT NOT NULL,
    billed_cost DECIMAL(38, 18) NOT NULL, effective_cost DECIMAL(38, 18) NOT NULL, list_cost DECIMAL(38, 18),
    contracted_cost DECIMAL(38, 18), billing_currency VARCHAR NOT NULL,
    charge_period_start TIMESTAMP NOT NULL, charge_period_end TIMESTAMP NOT NULL,
    charge_category VARCHAR NOT NULL, charge_class VARCHAR, charge_frequency VARCHAR, charge_description VARCHAR,
    service_category VARCHAR, service_name VARCHAR, provider_name VARCHAR, publisher_name VARCHAR,
    invoice_issuer_name VARCHAR, invoice_id VARCHAR, billing_account_id VARCHAR, billing_account_name VARCHAR,
    sub_account_id VARCHAR, sub_account_name VARCHAR, region_id VARCHAR, region_name VARCHAR,
    resource_id VARCHAR, resource_name VARCHAR, resource_type VARCHAR, sku_id VARCHAR, sku_price_id VARCHAR,
    pricing_category VARCHAR, pricing_quantity DECIMAL(38, 12), pricing_unit VARCHAR,
    consumed_quantity DECIMAL(38, 12), consumed_unit VARCHAR,
    commitment_discount_id VARCHAR, commitment_discount_type VARCHAR, commitment_discount_status VARCHAR,
    tags MAP(VARCHAR, VARCHAR), allocated_method_id VARCHAR, allocated_method_details VARCHAR,
    allocated_resource_id VARCHAR, allocated_resource_name VARCHAR, allocated_tags MAP(VARCHAR, VARCHAR),
    allocated_part VARCHAR);

-- What the issuer says an invoice comes to, one row a version: from a FOCUS Invoice Detail dataset or told by a person.
-- The key (issuer, id, currency) joins charges.invoice_issuer_name, invoice_id and billing_currency.
CREATE TABLE IF NOT EXISTS invoices (
    invoice_issuer_name VARCHAR NOT NULL, invoice_id VARCHAR NOT NULL, billing_currency VARCHAR NOT NULL,
    version INTEGER NOT NULL, billing_period_start TIMESTAMP NOT NULL, billing_period_end TIMESTAMP NOT NULL,
    billing_account_id VARCHAR, invoice_issue_status VARCHAR, billed_cost DECIMAL(38, 18) NOT NULL,
    origin VARCHAR NOT NULL, imported_at TIMESTAMP NOT NULL, superseded_at TIMESTAMP);

-- What an issuer says of a billing period: open or closed. From a FOCUS Billing Period dataset.
CREATE TABLE IF NOT EXISTS billing_periods (
    invoice_issuer_name VARCHAR NOT NULL, billing_period_start TIMESTAMP NOT NULL, billing_period_end TIMESTAMP NOT NULL,
    billing_period_status VARCHAR NOT NULL, version INTEGER NOT NULL, origin VARCHAR NOT NULL,
    imported_at TIMESTAMP NOT NULL, superseded_at TIMESTAMP);

-- Where every cent of the bills in force went: kind is direct, usage, shared, fixed, idle or unallocated. Lines that no
-- rule tells apart (same rule, resource, charge period and currency) are one pool; pool_lines says which.
-- A part without cell_id and unit_key belongs to no one (idle, unallocated). Per pool the parts sum to the whole.
CREATE TABLE IF NOT EXISTS allocations (
    bill_id INTEGER NOT NULL, pool_id BIGINT NOT NULL, rule VARCHAR NOT NULL, method VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, currency VARCHAR NOT NULL, day TIMESTAMP NOT NULL, cell_id INTEGER,
    unit_type VARCHAR, unit_key VARCHAR, meter VARCHAR, resource VARCHAR, reason VARCHAR,
    billed_cost DECIMAL(38, 18) NOT NULL, effective_cost DECIMAL(38, 18) NOT NULL);
-- Which lines a pool holds.
CREATE TABLE IF NOT EXISTS pool_lines (bill_id INTEGER NOT NULL, pool_id BIGINT NOT NULL, line BIGINT NOT NULL);

-- The usage whose cost a bill in force has taken over from the list rates.
CREATE TABLE IF NOT EXISTS billed_usage (
    meter VARCHAR NOT NULL, resource VARCHAR, period_start TIMESTAMP NOT NULL, period_end TIMESTAMP NOT NULL);

-- How much of each service's and account's EffectiveCost has a bearer. cloud_account: the sub account, else the billing
-- account. allocated_cost holds what units bear and what is idle; the rest of source_cost is unallocated.
CREATE TABLE IF NOT EXISTS reconciled_costs (
    bill_id INTEGER NOT NULL, day TIMESTAMP NOT NULL, service_name VARCHAR, cloud_account VARCHAR, currency VARCHAR NOT NULL,
    source_cost DECIMAL(38, 18) NOT NULL, allocated_cost DECIMAL(38, 18) NOT NULL);

-- What a person has decided about an invoice's difference; never changed, only reversed by another entry.
-- kind is accept, adjust or reverse; amount is added to what the invoice's lines sum to.
CREATE TABLE IF NOT EXISTS reconciliation_entries (
    entry_id INTEGER PRIMARY KEY, kind VARCHAR NOT NULL, invoice_issuer_name VARCHAR, invoice_id VARCHAR NOT NULL,
    billing_currency VARCHAR NOT NULL, amount DECIMAL(38, 18) NOT NULL, cause VARCHAR, reason VARCHAR NOT NULL,
    actor VARCHAR NOT NULL, reverses INTEGER, entered_at TIMESTAMP NOT NULL);

-- A billing period whose figures stand. invoice_issuer_name null: of every issuer. The last lock of a period counts.
CREATE TABLE IF NOT EXISTS locks (
    lock_id INTEGER PRIMARY KEY, period_start TIMESTAMP NOT NULL, period_end TIMESTAMP NOT NULL,
    invoice_issuer_name VARCHAR, actor VARCHAR NOT NULL, reason VARCHAR NOT NULL, locked_at TIMESTAMP NOT NULL);

-- The figures of a lock, as exact text. about is measure, cost (service and account) or invoice; name what of it.
CREATE TABLE IF NOT EXISTS lock_figures (
    lock_id INTEGER NOT NULL, about VARCHAR NOT NULL, name VARCHAR NOT NULL, figure VARCHAR NOT NULL,
    currency VARCHAR NOT NULL, amount VARCHAR);

-- Spans that came and were acknowledged, and wait for what their source's mapping names of their trace. Columns as in
-- the door format otlp_spans. They are no events yet: those of a batch are counted in the batch that lets them through.
-- With pseudonyms, sealed has all of them as JSON, trace_id is a keyed mark of it, and the rest is null.
CREATE TABLE IF NOT EXISTS waiting_spans (
    source VARCHAR NOT NULL, received_at TIMESTAMP NOT NULL,
    trace_id VARCHAR NOT NULL, span_id VARCHAR, parent_span_id VARCHAR, name VARCHAR, kind VARCHAR, service VARCHAR,
    status VARCHAR, status_message VARCHAR, start_time TIMESTAMP, end_time TIMESTAMP, duration_ms DECIMAL(18, 6),
    trace_state VARCHAR, attributes MAP(VARCHAR, VARCHAR), resource MAP(VARCHAR, VARCHAR), scope VARCHAR,
    weight DECIMAL(38, 18), sealed VARCHAR);

-- What spans have said of their trace, by the attributes that a source's mapping names of it: the root's value, else
-- that of the earliest span. Forgotten some time after seen_at. With pseudonyms, trace_id is a mark and value sealed.
CREATE TABLE IF NOT EXISTS trace_values (
    source VARCHAR NOT NULL, trace_id VARCHAR NOT NULL, key VARCHAR NOT NULL, value VARCHAR NOT NULL,
    root BOOLEAN NOT NULL, start_time TIMESTAMP, seen_at TIMESTAMP NOT NULL);

-- What is known of Stripe's objects: which charge each follows, and of a charge what tells to whom it belongs. With
-- pseudonyms, object and charge are keyed marks of these, sealed has what tells as JSON, and the rest is null.
CREATE TABLE IF NOT EXISTS stripe_objects (
    object VARCHAR PRIMARY KEY, charge VARCHAR, created TIMESTAMP, payment_intent VARCHAR, invoice VARCHAR,
    customer VARCHAR, metadata MAP(VARCHAR, VARCHAR), sealed VARCHAR);

-- Rows of Stripe's that came and were acknowledged, and wait for the charge they follow. Columns as in the door format
-- stripe. They are no events yet: those of a batch are counted in the batch that lets them through. With pseudonyms,
-- follows is a keyed mark of it, sealed has all of them as JSON, and the rest is null.
CREATE TABLE IF NOT EXISTS stripe_waiting (
    source VARCHAR NOT NULL, arrived_at TIMESTAMP NOT NULL,
    id VARCHAR, time TIMESTAMP, type VARCHAR, outcome VARCHAR, currency VARCHAR, amount DECIMAL(38, 12),
    revenue DECIMAL(38, 12), discount DECIMAL(38, 12), refund DECIMAL(38, 12), fee DECIMAL(38, 12), tax DECIMAL(38, 12),
    charge VARCHAR, charged_at TIMESTAMP, payment_intent VARCHAR, invoice VARCHAR, subscription VARCHAR,
    customer VARCHAR, account VARCHAR, reason VARCHAR, livemode BOOLEAN, metadata MAP(VARCHAR, VARCHAR),
    follows VARCHAR, fault VARCHAR, object VARCHAR, sealed VARCHAR);

-- What is known of a time series as a source sees it: the time of its last sample, its last number, and what it shows
-- since then (holding; null once it has ended). Growth is counted from here; kept in the transaction of its rows.
-- series is a digest of its labels, with pseudonyms a keyed mark of that.
CREATE TABLE IF NOT EXISTS series (
    source VARCHAR NOT NULL, series UUID NOT NULL, last_time TIMESTAMP NOT NULL, last_value DECIMAL(38, 9),
    holding DECIMAL(38, 9));

-- Where reading a partition of a topic goes on, written with the rows it stands after. link is its name in the contract.
CREATE TABLE IF NOT EXISTS kafka_offsets (
    link VARCHAR NOT NULL, cluster_id VARCHAR NOT NULL, topic VARCHAR NOT NULL, partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL, PRIMARY KEY (link, cluster_id, topic, partition));

-- The last labels of an info series, as a source joins them to its samples. key: the values it is joined by, as JSON.
-- With pseudonyms, key is a mark of that, sealed has the labels as JSON, and labels is empty.
CREATE TABLE IF NOT EXISTS label_sets (
    source VARCHAR NOT NULL, key VARCHAR NOT NULL, labels MAP(VARCHAR, VARCHAR) NOT NULL, time TIMESTAMP NOT NULL,
    sealed VARCHAR);

-- Requests of remote write that wait to be taken, in the order of their times: what the exports showed at shown_at.
CREATE TABLE IF NOT EXISTS remote_writes (number BIGINT NOT NULL, shown_at TIMESTAMP NOT NULL, body BLOB NOT NULL);

-- Up to which batch a link has told others of figures.
CREATE TABLE IF NOT EXISTS kafka_told (link VARCHAR PRIMARY KEY, batch_id INTEGER NOT NULL);

-- What came in an hour (of the clock), by source and who sent it; '' where no one is named. Partial rows: of one (hour,
-- source, producer) they are one row. received and ignored as in batches, and per hour and source they sum to those.
CREATE TABLE IF NOT EXISTS deliveries (
    hour TIMESTAMP NOT NULL, source VARCHAR NOT NULL, producer VARCHAR NOT NULL, received BIGINT NOT NULL,
    accepted BIGINT NOT NULL, duplicate BIGINT NOT NULL, conflict BIGINT NOT NULL, rejected BIGINT NOT NULL,
    ignored BIGINT NOT NULL, orphan BIGINT NOT NULL, late BIGINT NOT NULL, watermark TIMESTAMP,
    last_arrival TIMESTAMP NOT NULL);

-- Fields that samples of rows had: names and kinds, never values. Field '$' is the row itself.
CREATE TABLE IF NOT EXISTS fields_seen (
    source VARCHAR NOT NULL, producer VARCHAR NOT NULL, event_type VARCHAR NOT NULL, field VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, seen BIGINT NOT NULL, first_seen TIMESTAMP NOT NULL, last_seen TIMESTAMP NOT NULL,
    PRIMARY KEY (source, producer, event_type, field, kind));

-- One row of facts about the store itself. summed: the last batch that rollups hold. changes: how often a change asked
-- for every sum to be computed anew; changes_summed: up to which of them that was done. unallocated: bills are still to
-- be allocated.
CREATE TABLE IF NOT EXISTS store_state (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
