-- What each cell did and cost, for every measure that a rule follows.
-- Grain: driver × window × cell × currency. Inputs: rollup, rollup_priced, rollup_units, cells, allocations (direct
-- and usage parts made before), allocation_pools, allocation_pieces. Window: all; [window_start, window_end), an
-- instant where the rollup knows only the start.
-- A sample counts by its weight; what bills were found to cost is the whole already.
-- variable_cost is what the measures call it: fees and costs recorded, list-priced and not superseded, or billed.
WITH wanted AS (SELECT DISTINCT driver FROM allocation_pieces WHERE set_id IS NOT NULL AND method <> 'usage'),
amounts AS (
    SELECT 'measure:gross_revenue' AS driver, window_start, cell_id, revenue AS amount FROM rollup
    UNION ALL
    SELECT 'measure:revenue', window_start, cell_id,
        coalesce(revenue, 0) - coalesce(discount, 0) - coalesce(refund, 0)
    FROM rollup
    UNION ALL
    SELECT 'measure:variable_cost', window_start, cell_id, coalesce(fee, 0) + coalesce(cost, 0) FROM rollup
),
priced AS (
    SELECT
        CASE WHEN kind = 'revenue' THEN 'revenue' ELSE 'cost' END AS side, window_start, cell_id, currency, amount
    FROM rollup_priced
    WHERE amount IS NOT NULL AND NOT (kind = 'cost' AND superseded)
),
sides AS (
    SELECT 'measure:gross_revenue' AS driver, 'revenue' AS side
    UNION ALL
    SELECT 'measure:revenue', 'revenue'
    UNION ALL
    SELECT 'measure:variable_cost', 'cost'
),
counted AS (
    SELECT 'measure:events' AS driver, r.window_start, r.cell_id, r.events AS units, c.weight
    FROM rollup AS r
    INNER JOIN cells AS c ON c.cell_id = r.cell_id
    UNION ALL
    SELECT 'measure:attempts', r.window_start, r.cell_id, r.events, c.weight
    FROM rollup AS r
    INNER JOIN cells AS c ON c.cell_id = r.cell_id
    WHERE (c.attempt_mask >> $bit) & 1 = 1
    UNION ALL
    SELECT 'measure:successes', r.window_start, r.cell_id, r.events, c.weight
    FROM rollup AS r
    INNER JOIN cells AS c ON c.cell_id = r.cell_id
    WHERE (c.success_mask >> $bit) & 1 = 1
    UNION ALL
    SELECT 'units:' || unit_type, window_start, cell_id, opened, weight FROM rollup_units
),
together AS (
    SELECT a.driver, a.window_start, a.window_start + INTERVAL 1 MICROSECOND AS window_end, a.cell_id, c.currency,
        CAST(a.amount AS DECIMAL(38, 24)) AS amount, c.weight
    FROM amounts AS a
    INNER JOIN cells AS c ON c.cell_id = a.cell_id
    UNION ALL
    SELECT s.driver, p.window_start, p.window_start + INTERVAL 1 MICROSECOND, p.cell_id, p.currency, p.amount,
        c.weight
    FROM priced AS p
    INNER JOIN sides AS s ON s.side = p.side
    INNER JOIN cells AS c ON c.cell_id = p.cell_id
    UNION ALL
    SELECT driver, window_start, window_start + INTERVAL 1 MICROSECOND, cell_id, NULL,
        CAST(units AS DECIMAL(38, 24)), weight
    FROM counted
    UNION ALL
    SELECT 'measure:variable_cost', greatest(f.day, p.charge_period_start),
        least(f.day + INTERVAL 1 DAY, p.charge_period_end), f.cell_id, f.currency,
        CAST(f.effective_cost AS DECIMAL(38, 24)), 1
    FROM allocations AS f
    INNER JOIN allocation_pools AS p ON p.bill_id = f.bill_id AND p.pool_id = f.pool_id
    WHERE f.kind IN ('direct', 'usage') AND f.cell_id IS NOT NULL
)
SELECT driver, window_start, window_end, cell_id, currency, weighed_amount(amount, weight) AS amount
FROM (
    SELECT t.driver, t.window_start, t.window_end, t.cell_id, t.currency, t.weight, sum(t.amount) AS amount
    FROM together AS t
    INNER JOIN wanted AS w ON w.driver = t.driver
    GROUP BY ALL
)
