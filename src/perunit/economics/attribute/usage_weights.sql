-- How much of a meter each cell used in each charge period, on the pool's resource or on all of them.
-- Grain: set × day × cell. Inputs: allocation_pools, rollup_usage. Window: windows that start in the charge period.
-- weight: quantity in units of 10^-9.
WITH sets AS (
    SELECT DISTINCT set_id, meter, has_resource, resource, charge_period_start, charge_period_end
    FROM allocation_pools
    WHERE method = 'usage' AND set_id IS NOT NULL
),
spans AS (SELECT DISTINCT charge_period_start, charge_period_end FROM sets),
windows AS (SELECT DISTINCT window_start FROM rollup_usage),
covered AS (
    SELECT s.charge_period_start, s.charge_period_end, w.window_start
    FROM spans AS s
    INNER JOIN windows AS w
        ON w.window_start >= s.charge_period_start AND w.window_start < s.charge_period_end
),
measured AS (
    SELECT s.set_id, u.window_start, u.cell_id, u.quantity
    FROM sets AS s
    INNER JOIN covered AS c
        ON c.charge_period_start = s.charge_period_start AND c.charge_period_end = s.charge_period_end
    INNER JOIN rollup_usage AS u
        ON u.meter = s.meter AND u.window_start = c.window_start AND u.resource = s.resource
    WHERE s.has_resource
    UNION ALL
    SELECT s.set_id, u.window_start, u.cell_id, u.quantity
    FROM sets AS s
    INNER JOIN covered AS c
        ON c.charge_period_start = s.charge_period_start AND c.charge_period_end = s.charge_period_end
    INNER JOIN rollup_usage AS u ON u.meter = s.meter AND u.window_start = c.window_start
    WHERE NOT s.has_resource
),
summed AS (
    SELECT
        set_id, CAST(date_trunc('day', window_start) AS TIMESTAMP) AS day, cell_id,
        CAST(sum(quantity) AS DECIMAL(38, 9)) AS quantity
    FROM measured
    GROUP BY ALL
)
SELECT
    set_id, day, cell_id, CAST(NULL AS VARCHAR) AS currency,
    CAST(floor(quantity) AS HUGEINT) * 1000000000
    + CAST((quantity - floor(quantity)) * 1000000000 AS HUGEINT) AS weight
FROM summed
