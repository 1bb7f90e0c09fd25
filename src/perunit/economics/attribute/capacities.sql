-- What the lines of a pool bought of each meter of its rule.
-- Grain: pool × meter of the rule, by its number. Inputs: allocation_lines. Window: none.
WITH bought AS (
    SELECT
        bill_id, pool_id, unnest(rule_capacities) AS capacity, generate_subscripts(rule_capacities, 1) AS ordinal
    FROM allocation_lines
    WHERE rule_capacities IS NOT NULL
)
SELECT bill_id, pool_id, ordinal, nano(CAST(sum(capacity) AS DECIMAL(38, 9))) AS capacity_quanta
FROM bought
GROUP BY bill_id, pool_id, ordinal
