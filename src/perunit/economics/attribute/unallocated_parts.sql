-- Pools that no one bears, with the reason.
-- Grain: pool. Inputs: allocation_pools (whose reason says why). Window: the charge periods of the bills in force.
SELECT
    bill_id, pool_id, rule, method, 'unallocated' AS kind, currency,
    CAST(date_trunc('day', charge_period_start) AS TIMESTAMP) AS day, CAST(NULL AS INTEGER) AS cell_id,
    CAST(NULL AS VARCHAR) AS unit_type, CAST(NULL AS VARCHAR) AS unit_key, meter, resource, reason, billed_cost,
    effective_cost
FROM allocation_pools
WHERE reason IS NOT NULL
