-- The lines of the bills in force, each in its pool.
-- Grain: one row a charge. Inputs: allocation_matched (every charge with its rule). Window: none.
-- Lines that nothing tells apart are one pool. The order of the key, not of arrival, numbers the pools.
WITH keyed AS (
    SELECT
        m.bill_id, m.line, m.rule, m.billed_cost, m.effective_cost, m.billing_currency, m.charge_category,
        m.charge_period_start, m.charge_period_end, m.rule_resource, nullif(m.rule_key, '') AS rule_key,
        m.rule_capacities, list_transform(m.rule_capacities, lambda each: each IS NOT NULL) AS has_capacity,
        m.is_unused, m.scope_invoice, m.scope_account, m.followed
    FROM allocation_matched AS m
)
SELECT
    *, dense_rank() OVER (
        PARTITION BY bill_id
        ORDER BY
            rule, rule_resource, rule_key, charge_period_start, charge_period_end, has_capacity, is_unused,
            scope_invoice, scope_account, followed
    ) AS pool_id
FROM keyed
