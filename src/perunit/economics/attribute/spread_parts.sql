-- Pieces split over cells and days, with their idle part.
-- Grain: piece × day × cell, and one idle row a piece that has one. Inputs: allocation_pieces, allocation_sets,
-- allocation_targets. Window: the periods of the pieces.
-- Target k of running weights W_1 … W_n bears what is up to W_k less what is up to W_(k-1); idle is what the capacity
-- has beyond the weights. See macros.sql.
WITH whole AS (
    SELECT
        p.*, s.total,
        CASE WHEN p.separate_idle AND p.capacity_quanta > s.total THEN p.capacity_quanta ELSE s.total END AS whole
    FROM allocation_pieces AS p
    INNER JOIN allocation_sets AS s ON s.set_id = p.set_id
    WHERE p.reason IS NULL AND p.method IN ($first, $second)
),
cut AS (SELECT *, divisor_of(whole) AS divisor FROM whole),
spans AS (
    SELECT
        d.bill_id, d.pool_id, d.rule, d.method, d.currency, d.meter, d.resource, d.billed_quanta, d.effective_quanta,
        d.kind, t.day, t.cell_id, t.upto // d.divisor AS w_end, (t.upto - t.weight) // d.divisor AS w_start,
        d.whole // d.divisor AS w
    FROM cut AS d
    INNER JOIN allocation_targets AS t ON t.set_id = d.set_id
    UNION ALL
    SELECT
        d.bill_id, d.pool_id, d.rule, d.method, d.currency, d.meter, d.resource, d.billed_quanta, d.effective_quanta,
        'idle' AS kind, CAST(date_trunc('day', d.period_start) AS TIMESTAMP) AS day, CAST(NULL AS INTEGER) AS cell_id,
        d.whole // d.divisor AS w_end, d.total // d.divisor AS w_start, d.whole // d.divisor AS w
    FROM cut AS d
    WHERE d.whole > d.total
)
SELECT
    bill_id, pool_id, rule, method, kind, currency, day, cell_id, CAST(NULL AS VARCHAR) AS unit_type,
    CAST(NULL AS VARCHAR) AS unit_key, meter, resource, CAST(NULL AS VARCHAR) AS reason,
    cost_of(quanta_upto(billed_quanta, w_end, w) - quanta_upto(billed_quanta, w_start, w)) AS billed_cost,
    cost_of(quanta_upto(effective_quanta, w_end, w) - quanta_upto(effective_quanta, w_start, w)) AS effective_cost
FROM spans
