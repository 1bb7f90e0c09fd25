-- The rows of rollup_priced at rates by volume, with the month's charge split over them. Grain: window × cell × kind ×
-- meter × resource × rate. Inputs: rollup_priced, tier_charges (rate × month → charge), cells. Window: all time.
-- Partial rows are merged. A row bears the difference of two running floors, so the rows of a month sum to its charge.
WITH merged AS (
    SELECT
        p.window_start, p.cell_id, p.kind, p.meter, p.resource, p.rate_id, p.currency, t.month, t.charge,
        CAST(sum(p.usage_events) AS BIGINT) AS usage_events, sum(p.quantity) AS quantity,
        bool_or(p.superseded) AS superseded
    FROM rollup_priced p
    JOIN tier_charges t ON t.rate_id = p.rate_id AND t.month = date_trunc('month', p.window_start)
    GROUP BY ALL
),
running AS (
    SELECT
        m.*, nano(m.quantity) AS weight,
        sum(nano(m.quantity)) OVER (
            PARTITION BY m.rate_id, m.month ORDER BY m.window_start, c.cell_hash, m.resource NULLS FIRST, m.cell_id
            ROWS UNBOUNDED PRECEDING) AS upto,
        sum(nano(m.quantity)) OVER (PARTITION BY m.rate_id, m.month) AS whole
    FROM merged m
    JOIN cells c ON c.cell_id = m.cell_id
),
cut AS (
    SELECT
        *, upto // divisor_of(whole) AS w_end, (upto - weight) // divisor_of(whole) AS w_start,
        whole // divisor_of(whole) AS w
    FROM running
)
SELECT
    window_start, cell_id, kind, meter, resource, rate_id, currency, usage_events, quantity, superseded,
    CASE WHEN w > 0 THEN cost_of(quanta_upto(quanta(charge), w_end, w) - quanta_upto(quanta(charge), w_start, w))
        ELSE 0 END AS amount
FROM cut
