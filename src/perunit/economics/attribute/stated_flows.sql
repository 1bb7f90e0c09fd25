-- What one rule hands on of every pool that has reached it.
-- Grain: pool × target of the rule. Inputs: allocation_flows, allocation_stated. Window: none.
-- All that reached the rule is split at once, as in spread_parts: floor(A·w / W) = q·w + floor(r·w / W).
WITH reached AS (
    SELECT
        bill_id, pool_id, CAST(sum(billed) AS HUGEINT) AS billed, CAST(sum(effective) AS HUGEINT) AS effective
    FROM allocation_flows
    WHERE target = $rule
    GROUP BY bill_id, pool_id
),
divided AS (
    SELECT
        f.bill_id, f.pool_id, s.target, s.unit_type, s.unit_key, CAST(s.w_start AS HUGEINT) AS w_start,
        CAST(s.w_end AS HUGEINT) AS w_end, CAST(s.w AS HUGEINT) AS w,
        CASE WHEN f.billed < 0 THEN -1 ELSE 1 END AS billed_sign,
        CASE WHEN f.effective < 0 THEN -1 ELSE 1 END AS effective_sign,
        abs(f.billed) // s.w AS billed_q, abs(f.billed) % s.w AS billed_r,
        abs(f.effective) // s.w AS effective_q, abs(f.effective) % s.w AS effective_r
    FROM reached AS f
    CROSS JOIN allocation_stated AS s
    WHERE s.rule = $rule
)
SELECT
    bill_id, pool_id, target, unit_type, unit_key,
    billed_sign * (
        (billed_q * w_end + (billed_r * w_end) // w) - (billed_q * w_start + (billed_r * w_start) // w)
    ) AS billed,
    effective_sign * (
        (effective_q * w_end + (effective_r * w_end) // w)
        - (effective_q * w_start + (effective_r * w_start) // w)
    ) AS effective
FROM divided
