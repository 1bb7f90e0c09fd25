-- The new bills and new versions of bills.
-- Grain: one row a bill that is not already in force with the same content.
-- Inputs: bill_found (temporary). Window: the billing periods of the file.
SELECT
    bill_id, bill_source, billing_account_id, billing_currency, billing_period_start, billing_period_end, version,
    $file_name AS file_name, digest, CAST($now AS TIMESTAMP) AS imported_at, CAST(NULL AS TIMESTAMP) AS superseded_at,
    lines, billed_cost, effective_cost
FROM bill_found
WHERE is_new
