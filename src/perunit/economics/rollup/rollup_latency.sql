-- rollup_latency. Grain: day × cell × bucket. Inputs: scope_events, cells. Window: the scope's.
-- The bucket of v is the OpenTelemetry exponential histogram's at scale 5: ceil(log2(v) × 32) − 1; zeros have none.
SELECT
    CAST(date_trunc('day', e.event_time) AS TIMESTAMP) AS day, c.shown_cell_id AS cell_id,
    latency_bucket(e.latency_ms) AS bucket, count(*) AS observations,
    CAST(sum(e.latency_ms) AS DECIMAL(38, 6)) AS latency_sum,
    min(e.latency_ms) AS latency_min, max(e.latency_ms) AS latency_max
FROM scope_events e JOIN cells c ON c.cell_id = e.cell_id
WHERE e.latency_ms IS NOT NULL
GROUP BY date_trunc('day', e.event_time), c.shown_cell_id, latency_bucket(e.latency_ms)
