-- An invoice's total as a person tells it. Grain: one row. Inputs: bound values. Window: none.
SELECT
    $issuer AS invoice_issuer_name, $id AS invoice_id, CAST($total AS DECIMAL(38, 18)) AS billed_cost,
    $currency AS billing_currency, CAST($starts AS TIMESTAMP) AS billing_period_start,
    CAST($ends AS TIMESTAMP) AS billing_period_end, CAST(NULL AS VARCHAR) AS billing_account_id,
    CAST(NULL AS VARCHAR) AS invoice_issue_status
