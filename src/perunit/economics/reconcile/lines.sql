-- Every line of the bills in force with the step of the bridge it belongs to.
-- Grain: one row a charge. Inputs: charges, bills, pool_lines, allocations, reconcile_matched (every line with its
-- rule), reconcile_rules. Window: none.
-- is_usage: a line that a usage rule compares with measured usage; the others have a step of their own.
-- billed_quantity: in the meter's unit, by the rule's capacity or where the bill counts in that unit.
-- is_copy: the same in every column as a line before it, in the same bill or another one.
-- A pool of which someone bears a part, such as the months of a horizon that are over, is no gap.
WITH gaps AS (
    SELECT bill_id, pool_id FROM allocations GROUP BY bill_id, pool_id HAVING bool_and(kind = 'unallocated')
),
known AS (
    SELECT
        c.*, p.pool_id, b.billing_period_start, b.billing_period_end, g.pool_id IS NOT NULL AS is_gap, r.method, r.meter,
        CASE WHEN r.has_resource THEN m.rule_resource END AS rule_resource,
        coalesce(m.rule_capacities[1], CASE WHEN c.consumed_unit = r.unit THEN c.consumed_quantity END) AS billed_quantity,
        coalesce(r.separate_idle AND m.rule_capacities[1] IS NOT NULL, false) AS is_capped,
        coalesce(
            r.meter IS NOT NULL AND c.charge_category = 'Usage' AND c.charge_class IS DISTINCT FROM 'Correction'
            AND NOT m.is_unused
            AND NOT (r.has_resource AND m.rule_resource IS NULL), false
        ) AS is_usage,
        row_number() OVER (
            PARTITION BY
                c.billed_cost, c.effective_cost, c.billing_currency, c.charge_period_start, c.charge_period_end,
                c.charge_category, c.charge_class, c.charge_frequency, c.charge_description, c.service_name,
                c.invoice_issuer_name, c.invoice_id, c.billing_account_id, c.sub_account_id, c.region_id,
                c.resource_id, c.sku_id, c.sku_price_id, c.pricing_category, c.pricing_quantity, c.pricing_unit,
                c.consumed_quantity, c.consumed_unit, c.commitment_discount_id, c.commitment_discount_status,
                CAST(c.tags AS VARCHAR)
            ORDER BY c.bill_id, c.line
        ) > 1 AS is_copy
    FROM charges AS c
    INNER JOIN bills AS b ON b.bill_id = c.bill_id
    INNER JOIN pool_lines AS p ON p.bill_id = c.bill_id AND p.line = c.line
    INNER JOIN reconcile_matched AS m ON m.bill_id = c.bill_id AND m.line = c.line
    LEFT JOIN reconcile_rules AS r ON r.number = m.rule
    LEFT JOIN gaps AS g ON g.bill_id = p.bill_id AND g.pool_id = p.pool_id
    WHERE b.superseded_at IS NULL
)
SELECT
    bill_id, line, pool_id, billing_period_start, billing_period_end, billing_currency AS currency, billed_cost,
    effective_cost, charge_period_start, charge_period_end, meter, rule_resource AS resource, billed_quantity,
    is_capped, is_usage, is_copy, service_name,
    CASE
        WHEN is_copy THEN 'duplicate'
        WHEN is_gap THEN 'unallocated'
        WHEN charge_category = 'Tax' THEN 'tax'
        WHEN charge_category = 'Credit' THEN 'credit'
        WHEN charge_class = 'Correction' OR charge_category = 'Adjustment' THEN 'correction'
        WHEN commitment_discount_status = 'Unused' THEN 'unused_commitment'
        WHEN method = 'direct' THEN 'direct'
        ELSE 'shared'
    END AS step,
    CASE WHEN charge_category = 'Purchase' THEN 'upfront_purchase' ELSE 'amortisation' END AS spread_step
FROM known
