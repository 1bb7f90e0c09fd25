-- A bill against the version before it, by service and account.
-- Grain: one row a service and sub-account of either version. Inputs: bills, charges. Window: the bill $bill_id.
WITH versions AS (
    SELECT bill.bill_id, before.bill_id AS previous_id
    FROM bills AS bill
    LEFT JOIN bills AS before
        ON before.bill_source = bill.bill_source AND before.billing_account_id = bill.billing_account_id
        AND before.billing_currency = bill.billing_currency
        AND before.billing_period_start = bill.billing_period_start
        AND before.billing_period_end = bill.billing_period_end AND before.version = bill.version - 1
    WHERE bill.bill_id = $bill_id
),
sums AS (
    SELECT
        c.service_name, c.sub_account_id, count(*) FILTER (WHERE c.bill_id = v.bill_id) AS lines,
        count(*) FILTER (WHERE c.bill_id = v.previous_id) AS previous_lines,
        coalesce(sum(c.billed_cost) FILTER (WHERE c.bill_id = v.bill_id), 0) AS billed_cost,
        coalesce(sum(c.billed_cost) FILTER (WHERE c.bill_id = v.previous_id), 0) AS previous_billed_cost,
        coalesce(sum(c.effective_cost) FILTER (WHERE c.bill_id = v.bill_id), 0) AS effective_cost,
        coalesce(sum(c.effective_cost) FILTER (WHERE c.bill_id = v.previous_id), 0) AS previous_effective_cost
    FROM charges AS c
    INNER JOIN versions AS v ON c.bill_id = v.bill_id OR c.bill_id = v.previous_id
    GROUP BY c.service_name, c.sub_account_id
)
SELECT * FROM sums
ORDER BY abs(billed_cost - previous_billed_cost) DESC, billed_cost DESC, service_name, sub_account_id
