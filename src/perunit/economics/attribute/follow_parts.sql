-- Pools that follow other lines: the same kinds, days and units, in proportion to effective cost.
-- Grain: pool × target, and one unallocated row a pool with nothing to follow. Inputs: allocation_pools,
-- allocation_targets (of follow_targets). Window: the bills in force.
WITH pools AS (SELECT * FROM allocation_pools WHERE rule_number = $number AND method = 'follow'),
nets AS (
    SELECT bill_id, scope_invoice, scope_account, max(net) AS net, divisor_of(max(total)) AS divisor,
        max(total) // divisor_of(max(total)) AS w
    FROM allocation_targets
    GROUP BY bill_id, scope_invoice, scope_account
),
scoped AS (
    SELECT p.*, n.net, n.divisor, n.w
    FROM pools AS p
    LEFT JOIN nets AS n
        ON n.bill_id = p.bill_id AND n.scope_invoice IS NOT DISTINCT FROM p.scope_invoice
        AND n.scope_account IS NOT DISTINCT FROM p.scope_account
),
spans AS (
    SELECT
        p.*, t.kind, t.day, t.cell_id, t.unit_type AS bearer_type, t.unit_key AS bearer_key, t.meter,
        t.resource AS bearer_resource, t.reason AS bearer_reason, t.upto // p.divisor AS w_end,
        (t.upto - t.weight) // p.divisor AS w_start
    FROM scoped AS p
    INNER JOIN allocation_targets AS t
        ON t.bill_id = p.bill_id AND t.scope_invoice IS NOT DISTINCT FROM p.scope_invoice
        AND t.scope_account IS NOT DISTINCT FROM p.scope_account
    WHERE p.net > 0 AND t.weight > 0
)
SELECT
    bill_id, pool_id, rule, method, kind, currency, day, cell_id, bearer_type AS unit_type, bearer_key AS unit_key,
    meter, bearer_resource AS resource, 'follows what has: ' || bearer_reason AS reason,
    cost_of(quanta_upto(billed_quanta, w_end, w) - quanta_upto(billed_quanta, w_start, w)) AS billed_cost,
    cost_of(quanta_upto(effective_quanta, w_end, w) - quanta_upto(effective_quanta, w_start, w)) AS effective_cost
FROM spans
UNION ALL
SELECT
    bill_id, pool_id, rule, method, 'unallocated', currency,
    CAST(date_trunc('day', charge_period_start) AS TIMESTAMP), NULL, NULL, NULL, NULL, resource,
    CASE
        WHEN net IS NULL THEN 'its bill has no lines to follow'
        ELSE 'what it follows costs ' || CASE WHEN net < 0 THEN 'less than zero' ELSE 'nothing' END
    END,
    cost_of(billed_quanta), cost_of(effective_quanta)
FROM scoped
WHERE coalesce(net <= 0, true)
