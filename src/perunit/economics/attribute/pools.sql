-- The pools: what is split as one.
-- Grain: bill × pool. Inputs: allocation_lines, allocation_rules. Window: the charge periods of the bills in force.
-- set_id: pools with the same driver, resource and charge period share one set of weights.
-- quanta: an amount as a whole number of 10^-18 (9 places for a capacity), so that it can be split exactly.
WITH pooled AS (
    SELECT
        bill_id, pool_id, min(rule) AS rule_number, min(rule_resource) AS resource, min(rule_key) AS unit_key,
        min(billing_currency) AS currency, min(charge_period_start) AS charge_period_start,
        min(charge_period_end) AS charge_period_end, bool_or(charge_category = 'Usage') AS has_usage_line,
        CAST(sum(billed_cost) AS DECIMAL(38, 18)) AS billed_cost,
        CAST(sum(effective_cost) AS DECIMAL(38, 18)) AS effective_cost,
        CAST(sum(rule_capacity) AS DECIMAL(38, 9)) AS capacity
    FROM allocation_lines
    GROUP BY bill_id, pool_id
)
SELECT
    p.bill_id, p.pool_id, coalesce(r.rule, 'unallocated') AS rule, coalesce(r.method, 'none') AS method,
    r.driver, r.meter, r.unit_type, r.has_resource, coalesce(r.separate_idle, false) AS separate_idle,
    p.resource, p.unit_key, p.currency, p.charge_period_start, p.charge_period_end, p.has_usage_line,
    p.billed_cost, p.effective_cost,
    CAST(floor(p.billed_cost) AS HUGEINT) * 1000000000000000000
    + CAST((p.billed_cost - floor(p.billed_cost)) * 1000000000000000000 AS HUGEINT) AS billed_quanta,
    CAST(floor(p.effective_cost) AS HUGEINT) * 1000000000000000000
    + CAST((p.effective_cost - floor(p.effective_cost)) * 1000000000000000000 AS HUGEINT) AS effective_quanta,
    CAST(floor(p.capacity) AS HUGEINT) * 1000000000
    + CAST((p.capacity - floor(p.capacity)) * 1000000000 AS HUGEINT) AS capacity_quanta,
    CASE
        WHEN r.rule IS NULL THEN 'no rule matched'
        WHEN r.method = 'direct' AND p.unit_key IS NULL THEN 'the line names no ' || r.unit_type
        WHEN r.has_resource AND p.resource IS NULL THEN 'the line names no resource'
    END AS reason,
    CASE
        WHEN r.driver IS NOT NULL AND NOT (r.has_resource AND p.resource IS NULL)
            THEN dense_rank() OVER (ORDER BY r.driver, p.resource, p.charge_period_start, p.charge_period_end)
    END AS set_id
FROM pooled AS p
LEFT JOIN allocation_rules AS r ON r.number = p.rule_number
