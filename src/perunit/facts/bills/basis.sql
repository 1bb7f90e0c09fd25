-- New versions of Azure bills whose costs are of another basis than those in force.
-- Grain: one row a bill. Inputs: bill_found, bill_lines (both temporary), charges. Window: the bills of the file.
-- A file with the purchases of commitments, or with covered usage at no cost, has actual costs; one whose covered
-- usage has an effective cost and that has no purchases, amortised ones. What has both, or no commitment, has neither.
WITH lines AS (
    SELECT
        f.previous_id, 'now' AS side, l.billed_cost, l.effective_cost, l.charge_category, l.commitment_discount_status,
        l.commitment_discount_type
    FROM bill_lines AS l
    INNER JOIN bill_found AS f
        ON f.bill_source = l.bill_source AND f.billing_account_id = l.billing_account_id
        AND f.billing_currency = l.billing_currency AND f.billing_period_start = l.billing_period_start
        AND f.billing_period_end = l.billing_period_end
    WHERE f.is_new AND f.previous_id IS NOT NULL AND l.provider_name = 'Microsoft'
    UNION ALL
    SELECT
        f.previous_id, 'before' AS side, c.billed_cost, c.effective_cost, c.charge_category,
        c.commitment_discount_status, c.commitment_discount_type
    FROM charges AS c
    INNER JOIN bill_found AS f ON f.previous_id = c.bill_id
    WHERE f.is_new AND c.provider_name = 'Microsoft'
),
seen AS (
    SELECT
        previous_id, side, coalesce(bool_or(
            charge_category = 'Purchase' AND commitment_discount_type IS NOT NULL AND billed_cost <> 0
        ), false) AS bought,
        coalesce(bool_or(commitment_discount_status IS NOT NULL), false) AS covered,
        coalesce(bool_or(commitment_discount_status IS NOT NULL AND effective_cost <> 0), false) AS amortised
    FROM lines
    GROUP BY previous_id, side
),
named AS (
    SELECT
        previous_id, side,
        CASE WHEN amortised AND NOT bought THEN 'amortised' WHEN NOT amortised AND (bought OR covered) THEN 'actual' END
            AS basis
    FROM seen
)
SELECT previous_id, min(basis) FILTER (WHERE side = 'before') AS before, min(basis) FILTER (WHERE side = 'now') AS now
FROM named
GROUP BY previous_id
HAVING before <> now
ORDER BY previous_id
