-- Pools whose parts do not sum to their lines; there are none.
-- Grain: bill × pool. Inputs: pool_lines, charges, allocations. Window: the bills in force.
WITH whole AS (
    SELECT p.bill_id, p.pool_id, sum(c.billed_cost) AS billed_cost, sum(c.effective_cost) AS effective_cost
    FROM pool_lines AS p
    INNER JOIN charges AS c ON c.bill_id = p.bill_id AND c.line = p.line
    GROUP BY p.bill_id, p.pool_id
),
parts AS (
    SELECT bill_id, pool_id, sum(billed_cost) AS billed_cost, sum(effective_cost) AS effective_cost
    FROM allocations
    GROUP BY bill_id, pool_id
)
SELECT w.bill_id, w.pool_id, w.billed_cost, p.billed_cost AS billed_parts, w.effective_cost,
    p.effective_cost AS effective_parts
FROM whole AS w
LEFT JOIN parts AS p ON p.bill_id = w.bill_id AND p.pool_id = w.pool_id
WHERE p.billed_cost IS DISTINCT FROM w.billed_cost OR p.effective_cost IS DISTINCT FROM w.effective_cost
ORDER BY w.bill_id, w.pool_id
LIMIT 5
