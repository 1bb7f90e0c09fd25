-- The billing periods of a file, compared with the statement in force of each.
-- Grain: one row a billing period of an issuer. Inputs: statement_lines (temporary, typed), billing_periods.
-- Window: the billing periods of the file. Of several lines the least status counts: Closed only if all say so.
WITH found AS (
    SELECT
        invoice_issuer_name, billing_period_start, billing_period_end,
        CASE WHEN bool_and(billing_period_status = 'Closed') THEN 'Closed'
        ELSE min(billing_period_status) FILTER (WHERE billing_period_status <> 'Closed') END AS billing_period_status
    FROM statement_lines
    GROUP BY invoice_issuer_name, billing_period_start, billing_period_end
)
SELECT
    found.*, billing_periods.version IS NULL
    OR billing_periods.billing_period_status <> found.billing_period_status AS is_new,
    coalesce(billing_periods.version, 0) + CASE WHEN is_new THEN 1 ELSE 0 END AS version
FROM found
LEFT JOIN billing_periods
    ON billing_periods.invoice_issuer_name = found.invoice_issuer_name
    AND billing_periods.billing_period_start = found.billing_period_start
    AND billing_periods.billing_period_end = found.billing_period_end AND billing_periods.superseded_at IS NULL
