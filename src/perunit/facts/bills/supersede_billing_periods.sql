-- Ends the statements that new ones take the place of. Inputs: statement_found (temporary). Window: none.
UPDATE billing_periods SET superseded_at = $now
FROM statement_found
WHERE statement_found.is_new AND billing_periods.superseded_at IS NULL
    AND billing_periods.invoice_issuer_name = statement_found.invoice_issuer_name
    AND billing_periods.billing_period_start = statement_found.billing_period_start
    AND billing_periods.billing_period_end = statement_found.billing_period_end
