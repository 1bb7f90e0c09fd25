-- Ends the statements that new ones take the place of. Inputs: statement_found (temporary). Window: none.
UPDATE invoices SET superseded_at = $now
FROM statement_found
WHERE statement_found.is_new AND invoices.superseded_at IS NULL
    AND invoices.invoice_issuer_name = statement_found.invoice_issuer_name
    AND invoices.invoice_id = statement_found.invoice_id
    AND invoices.billing_currency = statement_found.billing_currency
