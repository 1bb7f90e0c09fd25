-- How much of a meter each cell used in each period, on the piece's resource or on all of them.
-- Grain: set × day × cell. Inputs: allocation_pieces, rollup_usage. Window: windows that start in the period.
-- With at_least the larger of the two meters counts, per window, cell and resource.
-- weight: quantity in units of 10^-9, of a sample times how many stand behind it.
WITH sets AS (
    SELECT DISTINCT set_id, meter, at_least, has_resource, resource, period_start, period_end
    FROM allocation_pieces
    WHERE method = 'usage' AND set_id IS NOT NULL
),
-- A set has a row for each of its meters.
meters AS (
    SELECT set_id, meter, has_resource, resource, period_start, period_end, at_least IS NOT NULL AS is_floored FROM sets
    UNION ALL
    SELECT set_id, at_least, has_resource, resource, period_start, period_end, true FROM sets WHERE at_least IS NOT NULL
),
spans AS (SELECT DISTINCT period_start, period_end FROM sets),
windows AS (SELECT DISTINCT window_start FROM rollup_usage),
covered AS (
    SELECT s.period_start, s.period_end, w.window_start
    FROM spans AS s
    INNER JOIN windows AS w ON w.window_start >= s.period_start AND w.window_start < s.period_end
),
measured AS (
    SELECT s.set_id, s.is_floored, u.meter, u.resource, u.window_start, u.cell_id, u.quantity
    FROM meters AS s
    INNER JOIN covered AS c ON c.period_start = s.period_start AND c.period_end = s.period_end
    INNER JOIN rollup_usage AS u
        ON u.meter = s.meter AND u.window_start = c.window_start AND u.resource = s.resource
    WHERE s.has_resource
    UNION ALL
    SELECT s.set_id, s.is_floored, u.meter, u.resource, u.window_start, u.cell_id, u.quantity
    FROM meters AS s
    INNER JOIN covered AS c ON c.period_start = s.period_start AND c.period_end = s.period_end
    INNER JOIN rollup_usage AS u ON u.meter = s.meter AND u.window_start = c.window_start
    WHERE NOT s.has_resource
),
-- Rollups may hold partial rows of one window, which are summed before they are compared.
floored AS (
    SELECT set_id, window_start, cell_id, max(quantity) AS quantity
    FROM (
        SELECT set_id, window_start, cell_id, resource, meter, sum(quantity) AS quantity
        FROM measured
        WHERE is_floored
        GROUP BY ALL
    )
    GROUP BY set_id, window_start, cell_id, resource
),
weighed AS (
    SELECT set_id, window_start, cell_id, quantity FROM measured WHERE NOT is_floored
    UNION ALL
    SELECT set_id, window_start, cell_id, quantity FROM floored
),
summed AS (
    SELECT
        set_id, CAST(date_trunc('day', window_start) AS TIMESTAMP) AS day, cell_id,
        CAST(sum(quantity) AS DECIMAL(38, 9)) AS quantity
    FROM weighed
    GROUP BY ALL
)
SELECT s.set_id, s.day, s.cell_id, CAST(NULL AS VARCHAR) AS currency, weighed(nano(s.quantity), c.weight) AS weight
FROM summed AS s
INNER JOIN cells AS c ON c.cell_id = s.cell_id
