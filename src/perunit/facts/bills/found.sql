-- The bills a file holds, compared with the version in force of each.
-- Grain: one row a bill (source, account, currency, billing period).
-- Inputs: bill_digested (temporary), bills. Window: the billing periods of the file.
WITH compared AS (
    SELECT
        found.*, bills.bill_id AS previous_id, bills.version AS previous_version,
        bills.billed_cost AS previous_billed, bills.effective_cost AS previous_effective,
        bills.digest IS NULL OR bills.digest <> found.digest AS is_new
    FROM bill_digested AS found
    LEFT JOIN bills
        ON bills.bill_source = found.bill_source AND bills.billing_account_id = found.billing_account_id
        AND bills.billing_currency = found.billing_currency
        AND bills.billing_period_start = found.billing_period_start
        AND bills.billing_period_end = found.billing_period_end
        AND bills.superseded_at IS NULL
),
numbered AS (
    SELECT
        *, row_number() OVER (
            PARTITION BY is_new
            ORDER BY billing_period_start, bill_source, billing_account_id, billing_currency, billing_period_end
        ) AS place
    FROM compared
)
SELECT
    CASE
        WHEN is_new THEN CAST(coalesce((SELECT max(bill_id) FROM bills), 0) + place AS INTEGER) ELSE previous_id
    END AS bill_id,
    bill_source, billing_account_id, billing_currency, billing_period_start, billing_period_end,
    coalesce(previous_version, 0) + CASE WHEN is_new THEN 1 ELSE 0 END AS version,
    digest, lines, billed_cost, effective_cost, is_new, previous_id,
    CASE WHEN is_new THEN previous_billed END AS previous_billed_cost,
    CASE WHEN is_new THEN previous_effective END AS previous_effective_cost
FROM numbered
