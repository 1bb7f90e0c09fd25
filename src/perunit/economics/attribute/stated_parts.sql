-- Pools split by stated weights: the units their parts ended at.
-- Grain: pool × unit. Inputs: allocation_flows, allocation_pools, units, cells. Window: the charge periods.
-- A unit that no event has named yet has no cell; the key is kept all the same.
WITH ended AS (
    SELECT
        bill_id, pool_id, unit_type, unit_key, CAST(sum(billed) AS DECIMAL(38, 0)) AS billed,
        CAST(sum(effective) AS DECIMAL(38, 0)) AS effective
    FROM allocation_flows
    WHERE unit_key IS NOT NULL
    GROUP BY bill_id, pool_id, unit_type, unit_key
)
SELECT
    p.bill_id, p.pool_id, p.rule, p.method, 'shared' AS kind, p.currency,
    CAST(date_trunc('day', p.charge_period_start) AS TIMESTAMP) AS day, c.shown_cell_id AS cell_id, e.unit_type,
    e.unit_key, p.meter, p.resource, CAST(NULL AS VARCHAR) AS reason,
    e.billed * CAST(0.000000000000000001 AS DECIMAL(18, 18)) AS billed_cost,
    e.effective * CAST(0.000000000000000001 AS DECIMAL(18, 18)) AS effective_cost
FROM ended AS e
INNER JOIN allocation_pools AS p ON p.bill_id = e.bill_id AND p.pool_id = e.pool_id
LEFT JOIN units AS u ON u.unit_type = e.unit_type AND u.unit_key = e.unit_key
LEFT JOIN cells AS c ON c.cell_id = u.cell_id
