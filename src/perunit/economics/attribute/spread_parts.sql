-- Pools split over cells and days, with their idle part.
-- Grain: pool × day × cell, and one idle row a pool that has one. Inputs: allocation_pools, allocation_sets,
-- allocation_targets. Window: the charge periods of the bills in force.
-- With A quanta to split by running weights W_1 … W_n of a whole W, target k has floor(A·W_k / W) less
-- floor(A·W_(k-1) / W); the last one ends at A, so the parts sum to A. Of a credit the parts of |A| are negated.
-- No product overflows: W is cut to 18 digits, A = q·W + r, and floor(A·w / W) = q·w + floor(r·w / W) with q·w <= A
-- and r·w < 10^36. Idle is what the capacity has beyond the weights.
WITH pooled AS (
    SELECT
        p.*, s.total,
        CASE WHEN p.separate_idle AND p.capacity_quanta > s.total THEN p.capacity_quanta ELSE s.total END AS whole
    FROM allocation_pools AS p
    INNER JOIN allocation_sets AS s ON s.set_id = p.set_id
    WHERE p.reason IS NULL AND p.method IN ($first, $second)
),
scaled AS (
    SELECT
        *, CAST('1' || repeat('0', greatest(length(CAST(whole AS VARCHAR)) - 18, 0)) AS HUGEINT) AS divisor
    FROM pooled
),
cut AS (
    SELECT
        *, whole // divisor AS w, total // divisor AS measured,
        CASE WHEN billed_quanta < 0 THEN -1 ELSE 1 END AS billed_sign, abs(billed_quanta) AS billed,
        CASE WHEN effective_quanta < 0 THEN -1 ELSE 1 END AS effective_sign, abs(effective_quanta) AS effective
    FROM scaled
),
divided AS (
    SELECT
        *, billed // w AS billed_q, billed % w AS billed_r, effective // w AS effective_q,
        effective % w AS effective_r
    FROM cut
),
spans AS (
    SELECT
        d.*, CASE WHEN d.method = 'usage' THEN 'usage' ELSE 'shared' END AS kind, t.day, t.cell_id,
        t.upto // d.divisor AS w_end, (t.upto - t.weight) // d.divisor AS w_start
    FROM divided AS d
    INNER JOIN allocation_targets AS t ON t.set_id = d.set_id
    UNION ALL
    SELECT
        d.*, 'idle' AS kind, CAST(date_trunc('day', d.charge_period_start) AS TIMESTAMP) AS day,
        CAST(NULL AS INTEGER) AS cell_id, d.w AS w_end, d.measured AS w_start
    FROM divided AS d
    WHERE d.whole > d.total
),
parts AS (
    SELECT
        *,
        billed_sign * (
            (billed_q * w_end + (billed_r * w_end) // w) - (billed_q * w_start + (billed_r * w_start) // w)
        ) AS billed_part,
        effective_sign * (
            (effective_q * w_end + (effective_r * w_end) // w)
            - (effective_q * w_start + (effective_r * w_start) // w)
        ) AS effective_part
    FROM spans
)
SELECT
    bill_id, pool_id, rule, method, kind, currency, day, cell_id, CAST(NULL AS VARCHAR) AS unit_type,
    CAST(NULL AS VARCHAR) AS unit_key, meter, resource, CAST(NULL AS VARCHAR) AS reason,
    CAST(billed_part AS DECIMAL(38, 0)) * CAST(0.000000000000000001 AS DECIMAL(18, 18)) AS billed_cost,
    CAST(effective_part AS DECIMAL(38, 0)) * CAST(0.000000000000000001 AS DECIMAL(18, 18)) AS effective_cost
FROM parts
