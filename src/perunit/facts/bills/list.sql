-- Every version of every bill, with where its cost went. A system that keeps 12 places of each line comes to
-- billed_cost_at_12_places; lines often have more.
-- Grain: one row a bill version. Inputs: bills, allocations. Window: none.
WITH kinds AS (
    SELECT bill_id, kind, sum(billed_cost) AS billed_cost
    FROM allocations
    GROUP BY bill_id, kind
),
rounded AS (
    SELECT bill_id, sum(CAST(billed_cost AS DECIMAL(38, 12))) AS billed_cost
    FROM charges
    GROUP BY bill_id
),
went AS (
    SELECT bill_id, map_from_entries(list((kind, billed_cost) ORDER BY kind)) AS billed_by_kind
    FROM kinds
    GROUP BY bill_id
)
SELECT
    bills.bill_id, bills.bill_source, bills.billing_account_id, bills.billing_currency, bills.billing_period_start,
    bills.billing_period_end, bills.version, bills.file_name, bills.imported_at, bills.superseded_at, bills.lines,
    bills.billed_cost, bills.effective_cost, rounded.billed_cost AS billed_cost_at_12_places, went.billed_by_kind
FROM bills
LEFT JOIN rounded ON rounded.bill_id = bills.bill_id
LEFT JOIN went ON went.bill_id = bills.bill_id
ORDER BY
    bills.billing_period_start, bills.bill_source, bills.billing_account_id, bills.billing_currency, bills.version
