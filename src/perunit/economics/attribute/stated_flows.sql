-- What one rule hands on of every piece that has reached it.
-- Grain: piece × target of the rule. Inputs: allocation_flows, allocation_stated. Window: none.
-- All that reached the rule is split at once; see macros.sql.
WITH reached AS (
    SELECT
        bill_id, pool_id, piece, CAST(sum(billed) AS HUGEINT) AS billed, CAST(sum(effective) AS HUGEINT) AS effective
    FROM allocation_flows
    WHERE target = $rule
    GROUP BY bill_id, pool_id, piece
)
SELECT
    f.bill_id, f.pool_id, f.piece, s.target, s.unit_type, s.unit_key,
    quanta_upto(f.billed, s.w_end, s.w) - quanta_upto(f.billed, s.w_start, s.w) AS billed,
    quanta_upto(f.effective, s.w_end, s.w) - quanta_upto(f.effective, s.w_start, s.w) AS effective
FROM reached AS f
CROSS JOIN allocation_stated AS s
WHERE s.rule = $rule
