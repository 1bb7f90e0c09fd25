-- The invoices of a file, compared with the statement in force of each.
-- Grain: one row an invoice (issuer, id, currency). Inputs: statement_lines (temporary, typed), invoices.
-- Window: the billing periods of the file. An account or status that is not one for all lines is null.
WITH found AS (
    SELECT
        invoice_issuer_name, invoice_id, billing_currency, min(billing_period_start) AS billing_period_start,
        max(billing_period_end) AS billing_period_end,
        CASE WHEN count(DISTINCT billing_account_id) = 1 THEN any_value(billing_account_id) END AS billing_account_id,
        CASE WHEN count(DISTINCT invoice_issue_status) = 1 THEN any_value(invoice_issue_status) END
            AS invoice_issue_status,
        CAST(sum(billed_cost) AS DECIMAL(38, 18)) AS billed_cost
    FROM statement_lines
    GROUP BY invoice_issuer_name, invoice_id, billing_currency
),
compared AS (
    SELECT
        found.*, invoices.version AS previous_version, invoices.billed_cost AS previous_cost,
        invoices.version IS NULL OR row(
            found.billing_period_start, found.billing_period_end, found.billing_account_id,
            found.invoice_issue_status, found.billed_cost
        ) IS DISTINCT FROM row(
            invoices.billing_period_start, invoices.billing_period_end, invoices.billing_account_id,
            invoices.invoice_issue_status, invoices.billed_cost
        ) AS is_new
    FROM found
    LEFT JOIN invoices
        ON invoices.invoice_issuer_name = found.invoice_issuer_name AND invoices.invoice_id = found.invoice_id
        AND invoices.billing_currency = found.billing_currency AND invoices.superseded_at IS NULL
)
SELECT
    invoice_issuer_name, invoice_id, billing_currency, billing_period_start, billing_period_end,
    coalesce(previous_version, 0) + CASE WHEN is_new THEN 1 ELSE 0 END AS version,
    billing_account_id, invoice_issue_status, billed_cost, is_new,
    CASE WHEN is_new THEN previous_cost END AS previous_billed_cost
FROM compared
