-- The pools: what is split as one.
-- Grain: bill × pool. Inputs: allocation_lines, allocation_rules. Window: the charge periods of the bills in force.
-- A pool that the issuer says nobody used (is_unused) has method unused, unless its rule shares idle cost.
WITH pooled AS (
    SELECT
        bill_id, pool_id, min(rule) AS rule_number, min(rule_resource) AS resource, min(rule_key) AS unit_key,
        min(billing_currency) AS currency, min(charge_period_start) AS charge_period_start,
        min(charge_period_end) AS charge_period_end, bool_or(charge_category = 'Usage') AS has_usage_line,
        bool_or(is_unused) AS is_unused, min(scope_invoice) AS scope_invoice, min(scope_account) AS scope_account,
        min(followed) AS followed, CAST(sum(billed_cost) AS DECIMAL(38, 18)) AS billed_cost,
        CAST(sum(effective_cost) AS DECIMAL(38, 18)) AS effective_cost
    FROM allocation_lines
    GROUP BY bill_id, pool_id
),
ruled AS (
    SELECT
        p.*, r.rule, r.driver, r.unit_type, r.has_resource, coalesce(r.separate_idle, true) AS separate_idle, r.months,
        CASE
            WHEN p.is_unused AND coalesce(r.separate_idle, true) THEN 'unused' ELSE coalesce(r.method, 'none')
        END AS method
    FROM pooled AS p
    LEFT JOIN allocation_rules AS r ON r.number = p.rule_number
)
SELECT
    bill_id, pool_id, rule_number,
    coalesce(rule, CASE WHEN method = 'unused' THEN 'unused' ELSE 'unallocated' END) AS rule, method, driver,
    unit_type, coalesce(has_resource, false) AS has_resource, separate_idle, months, resource, unit_key, currency,
    charge_period_start, charge_period_end, has_usage_line, scope_invoice, scope_account, followed,
    quanta(billed_cost) AS billed_quanta, quanta(effective_cost) AS effective_quanta,
    CASE
        WHEN method = 'unused' THEN NULL
        WHEN method = 'none' THEN 'no rule matched'
        WHEN method = 'direct' AND unit_key IS NULL THEN 'the line names no ' || unit_type
        WHEN has_resource AND resource IS NULL THEN 'the line names no resource'
    END AS reason
FROM ruled
