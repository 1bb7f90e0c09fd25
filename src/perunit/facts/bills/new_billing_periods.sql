-- The new statements of billing periods. Grain: one row a period that is not in force with the same status.
-- Inputs: statement_found (temporary). Window: none.
SELECT
    invoice_issuer_name, billing_period_start, billing_period_end, billing_period_status, version,
    $origin AS origin, CAST($now AS TIMESTAMP) AS imported_at, CAST(NULL AS TIMESTAMP) AS superseded_at
FROM statement_found
WHERE is_new
