-- What the lines in force of every invoice sum to, beside what its issuer says it comes to and what people decided.
-- Grain: issuer × invoice × currency; lines without an invoice id are one row an issuer and currency.
-- Inputs: charges, bills, invoices, reconciliation_entries.
-- Window: invoices of a billing period that starts in [$start, $end), by their lines or by their issuer.
-- lines_elsewhere: the part of billed_cost that stands in bills of other billing periods.
WITH in_force AS (
    SELECT
        c.invoice_issuer_name, c.invoice_id, c.billing_currency, c.billed_cost,
        b.billing_period_start >= $start AND b.billing_period_start < $end AS is_here
    FROM charges AS c
    INNER JOIN bills AS b ON b.bill_id = c.bill_id
    WHERE b.superseded_at IS NULL
),
of_lines AS (
    SELECT
        invoice_issuer_name, invoice_id, billing_currency, count(*) AS lines, bool_or(is_here) AS is_here,
        CAST(sum(billed_cost) AS DECIMAL(38, 18)) AS billed_cost,
        CAST(sum(CASE WHEN is_here THEN 0 ELSE billed_cost END) AS DECIMAL(38, 18)) AS billed_elsewhere
    FROM in_force
    WHERE is_here OR invoice_id IS NOT NULL
    GROUP BY ALL
),
stated AS (
    SELECT *, billing_period_start >= $start AND billing_period_start < $end AS is_here
    FROM invoices
    WHERE superseded_at IS NULL
),
decided AS (
    SELECT invoice_issuer_name, invoice_id, billing_currency, CAST(sum(amount) AS DECIMAL(38, 18)) AS entries
    FROM reconciliation_entries
    GROUP BY ALL
)
SELECT
    coalesce(l.invoice_issuer_name, s.invoice_issuer_name) AS invoice_issuer_name,
    coalesce(l.invoice_id, s.invoice_id) AS invoice_id,
    coalesce(l.billing_currency, s.billing_currency) AS billing_currency, coalesce(l.lines, 0) AS lines,
    coalesce(l.billed_cost, 0) AS billed_cost, coalesce(l.billed_elsewhere, 0) AS billed_elsewhere,
    coalesce(d.entries, 0) AS entries, s.billed_cost AS total, s.version AS invoice_version,
    s.invoice_issue_status, s.origin
FROM of_lines AS l
FULL OUTER JOIN stated AS s
    ON s.invoice_issuer_name = l.invoice_issuer_name AND s.invoice_id = l.invoice_id
    AND s.billing_currency = l.billing_currency
LEFT JOIN decided AS d
    ON d.invoice_issuer_name IS NOT DISTINCT FROM coalesce(l.invoice_issuer_name, s.invoice_issuer_name)
    AND d.invoice_id = coalesce(l.invoice_id, s.invoice_id)
    AND d.billing_currency = coalesce(l.billing_currency, s.billing_currency)
WHERE coalesce(l.is_here, false) OR coalesce(s.is_here, false)
ORDER BY invoice_issuer_name NULLS LAST, invoice_id NULLS LAST, billing_currency
