-- Who bears which share of an AWS line that is split over pods or tasks.
-- Grain: one row a split row and part (used, unused) of a resource and period whose line is in the bill.
-- Inputs: bill_lines (temporary, typed). Window: the charge periods of the bill.
-- Weights are split_cost and unused_cost in quanta of 1e-18, as running sums in the order of the file.
WITH parents AS (
    SELECT DISTINCT
        resource_id, charge_period_start, charge_period_end, billing_account_id, billing_currency, billing_period_start
    FROM bill_lines
    WHERE split_parent_id IS NULL
        AND (split_usage IS NULL OR regexp_matches(split_usage, '(Box|Spot|Dedicated|Host|Sched)[A-Za-z]*Usage|Usage:Box'))
),
parts AS (
    SELECT rowid AS place, 'used' AS part, split_cost AS weight, * EXCLUDE (split_cost)
    FROM bill_lines
    WHERE split_parent_id IS NOT NULL AND split_cost > 0
    UNION ALL BY NAME
    SELECT rowid AS place, 'unused' AS part, unused_cost AS weight, * EXCLUDE (unused_cost)
    FROM bill_lines
    WHERE split_parent_id IS NOT NULL AND unused_cost > 0
),
quanta AS (
    SELECT
        parts.place, parts.part, parts.split_parent_id, parts.charge_period_start, parts.charge_period_end,
        parts.billing_account_id, parts.billing_currency, parts.billing_period_start,
        parts.resource_id AS allocated_resource_id, parts.resource_name AS allocated_resource_name,
        parts.tags AS allocated_tags, parts.weight AS stated_cost,
        CAST(floor(parts.weight) AS HUGEINT) * 1000000000000000000
        + CAST((parts.weight - floor(parts.weight)) * 1000000000000000000 AS HUGEINT) AS weight
    FROM parts
    INNER JOIN parents
        ON parents.resource_id = parts.split_parent_id AND parents.charge_period_start = parts.charge_period_start
        AND parents.charge_period_end = parts.charge_period_end
        AND parents.billing_account_id = parts.billing_account_id
        AND parents.billing_currency = parts.billing_currency
        AND parents.billing_period_start = parts.billing_period_start
    WHERE parts.billed_cost = 0 AND parts.effective_cost = 0
),
summed AS (
    SELECT
        *, sum(weight) OVER (resource ORDER BY place, part DESC) AS upto, sum(weight) OVER (resource) AS total
    FROM quanta
    WINDOW resource AS (
        PARTITION BY split_parent_id, charge_period_start, charge_period_end, billing_account_id, billing_currency,
            billing_period_start
    )
),
scaled AS (
    SELECT *, CAST('1' || repeat('0', greatest(length(CAST(total AS VARCHAR)) - 18, 0)) AS HUGEINT) AS divisor
    FROM summed
)
SELECT
    * EXCLUDE (weight, upto, total, divisor), CAST(upto AS HUGEINT) // divisor AS w_end,
    (CAST(upto AS HUGEINT) - weight) // divisor AS w_start, CAST(total AS HUGEINT) // divisor AS whole
FROM scaled
