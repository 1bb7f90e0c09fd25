-- What the lines of a period's bills add to each step of the bridge, but for those compared with measured usage.
-- Grain: currency × step. Inputs: reconcile_lines. Window: billing periods that start in [$start, $end).
-- step: EffectiveCost by what the line is; spread_step: BilledCost beyond EffectiveCost, by how it is spread.
WITH here AS (
    SELECT * FROM reconcile_lines WHERE billing_period_start >= $start AND billing_period_start < $end
),
parts AS (
    SELECT currency, step, effective_cost AS amount FROM here WHERE NOT is_usage
    UNION ALL
    SELECT currency, spread_step, billed_cost - effective_cost FROM here
    UNION ALL
    SELECT currency, 'effective', effective_cost FROM here
    UNION ALL
    SELECT currency, 'billed', billed_cost FROM here
)
SELECT currency, step, CAST(sum(amount) AS DECIMAL(38, 18)) AS amount
FROM parts
GROUP BY ALL
ORDER BY currency, step
