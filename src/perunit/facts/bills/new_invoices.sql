-- The new statements of invoices. Grain: one row an invoice that is not in force with the same content.
-- Inputs: statement_found (temporary). Window: none.
SELECT
    invoice_issuer_name, invoice_id, billing_currency, version, billing_period_start, billing_period_end,
    billing_account_id, invoice_issue_status, billed_cost, $origin AS origin,
    CAST($now AS TIMESTAMP) AS imported_at, CAST(NULL AS TIMESTAMP) AS superseded_at
FROM statement_found
WHERE is_new
