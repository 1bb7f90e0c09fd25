-- Lines of the bills in force, with how their pools were allocated.
-- Grain: bill × line. Inputs: charges, bills, pool_lines, allocations.
-- Window: bills of a billing period that starts in [$start, $end); after ($bill, $line). $unmatched: only lines of which
-- a part belongs to no one because no rule found a bearer.
WITH ways AS (
    SELECT
        p.bill_id, p.line, list(DISTINCT a.kind ORDER BY a.kind) AS kinds, list(DISTINCT a.rule ORDER BY a.rule) AS rules,
        list(DISTINCT a.reason ORDER BY a.reason) FILTER (a.reason IS NOT NULL) AS reasons,
        bool_or(a.kind = 'unallocated') AS unallocated
    FROM pool_lines AS p
    INNER JOIN allocations AS a ON a.bill_id = p.bill_id AND a.pool_id = p.pool_id
    GROUP BY ALL
),
found AS (
    SELECT
        c.*, coalesce(w.kinds, []) AS kinds, coalesce(w.rules, []) AS rules, coalesce(w.reasons, []) AS reasons,
        coalesce(c.sub_account_id, c.billing_account_id) AS cloud_account
    FROM charges AS c
    INNER JOIN bills AS b ON b.bill_id = c.bill_id
    LEFT JOIN ways AS w ON w.bill_id = c.bill_id AND w.line = c.line
    WHERE b.superseded_at IS NULL AND b.billing_period_start >= $start AND b.billing_period_start < $end
        AND ($service IS NULL OR c.service_name = $service)
        AND (NOT $unmatched OR coalesce(w.unallocated, false))
)
SELECT
    bill_id, line, invoice_id, invoice_issuer_name, billing_currency, billed_cost, effective_cost, charge_period_start,
    charge_period_end, charge_category, charge_class, charge_description, service_name, cloud_account, region_id,
    resource_id, sku_id, consumed_quantity, consumed_unit, kinds, rules, reasons
FROM found
WHERE (bill_id, line) > ($bill, $line)
ORDER BY bill_id, line
LIMIT $limit
