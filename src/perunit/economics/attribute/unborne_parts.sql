-- Pieces that no one bears: what nobody used is idle, the rest is unallocated, with the reason.
-- Grain: piece. Inputs: allocation_pieces. Window: the periods of the pieces.
SELECT
    bill_id, pool_id, rule, method, CASE WHEN reason IS NULL THEN 'idle' ELSE 'unallocated' END AS kind, currency,
    CAST(date_trunc('day', period_start) AS TIMESTAMP) AS day, CAST(NULL AS INTEGER) AS cell_id,
    CAST(NULL AS VARCHAR) AS unit_type, CAST(NULL AS VARCHAR) AS unit_key, meter, resource, reason,
    cost_of(billed_quanta) AS billed_cost, cost_of(effective_quanta) AS effective_cost
FROM allocation_pieces
WHERE (reason IS NOT NULL OR method = 'unused') AND method <> 'follow'
