-- The pieces of pools: what is split by one driver in one period.
-- Grain: pool × meter of a blend × month of a horizon; most pools are one piece. Inputs: allocation_pools,
-- allocation_meters, allocation_capacities. Window: the charge periods, or the months of the horizon.
-- A blend is cut by weight × capacity. Over a horizon effective cost is cut by days; billed cost is in the first month,
-- because it was billed then.
-- set_id: pieces with the same driver, resource and period share one set of weights.
WITH plain AS (
    SELECT
        bill_id, pool_id, 1 AS piece, driver, CAST(NULL AS VARCHAR) AS meter, CAST(NULL AS VARCHAR) AS at_least,
        CAST(NULL AS HUGEINT) AS capacity_quanta, charge_period_start AS period_start,
        charge_period_end AS period_end, billed_quanta, effective_quanta, reason
    FROM allocation_pools
    WHERE method <> 'usage' AND months IS NULL
),
-- Months of a horizon, from the charge's first day.
horizons AS (
    SELECT
        *, CAST(date_trunc('day', charge_period_start) AS TIMESTAMP) AS since,
        CAST(date_trunc('day', charge_period_start) AS TIMESTAMP) + to_months(months) AS till
    FROM allocation_pools
    WHERE months IS NOT NULL
),
months AS (
    SELECT *, unnest(generate_series(CAST(date_trunc('month', since) AS TIMESTAMP), till, INTERVAL 1 MONTH)) AS month
    FROM horizons
),
spans AS (
    SELECT *, greatest(month, since) AS period_start, least(month + INTERVAL 1 MONTH, till) AS period_end
    FROM months
    WHERE month < till
),
monthly AS (
    SELECT
        bill_id, pool_id, date_diff('month', since, period_start) + 1 AS piece, driver, CAST(NULL AS VARCHAR) AS meter,
        CAST(NULL AS VARCHAR) AS at_least, CAST(NULL AS HUGEINT) AS capacity_quanta, period_start, period_end,
        CASE WHEN period_start = since THEN billed_quanta ELSE CAST(0 AS HUGEINT) END AS billed_quanta,
        quanta_upto(
            effective_quanta, CAST(date_diff('day', since, period_end) AS HUGEINT),
            CAST(date_diff('day', since, till) AS HUGEINT)
        ) - quanta_upto(
            effective_quanta, CAST(date_diff('day', since, period_start) AS HUGEINT),
            CAST(date_diff('day', since, till) AS HUGEINT)
        ) AS effective_quanta, reason
    FROM spans
),
metered AS (
    SELECT
        p.*, m.ordinal, m.meters, m.driver AS meter_driver, m.meter, m.at_least, m.weight, c.capacity_quanta,
        bool_and(coalesce(c.capacity_quanta > 0, false)) OVER whole AS is_cut,
        CAST(sum(greatest(c.capacity_quanta, 0)) OVER whole AS HUGEINT) AS all_capacity
    FROM allocation_pools AS p
    INNER JOIN allocation_meters AS m ON m.number = p.rule_number
    LEFT JOIN allocation_capacities AS c
        ON c.bill_id = p.bill_id AND c.pool_id = p.pool_id AND c.ordinal = m.ordinal
    WHERE p.method = 'usage'
    WINDOW whole AS (PARTITION BY p.bill_id, p.pool_id)
),
-- Capacities are cut to 18 digits first, so that times a weight they stay within 128 bits.
scaled AS (
    SELECT *, CAST(capacity_quanta // divisor_of(all_capacity) * weight AS HUGEINT) AS share
    FROM metered
    WHERE meters > 1 AND is_cut
),
running AS (
    SELECT
        *, CAST(sum(share) OVER (PARTITION BY bill_id, pool_id ORDER BY ordinal) AS HUGEINT) AS upto,
        CAST(sum(share) OVER (PARTITION BY bill_id, pool_id) AS HUGEINT) AS whole
    FROM scaled
),
blended AS (
    SELECT
        bill_id, pool_id, ordinal AS piece, meter_driver AS driver, meter, at_least, capacity_quanta,
        charge_period_start AS period_start, charge_period_end AS period_end,
        quanta_upto(billed_quanta, upto // divisor_of(whole), whole // divisor_of(whole))
        - quanta_upto(billed_quanta, (upto - share) // divisor_of(whole), whole // divisor_of(whole)) AS billed_quanta,
        quanta_upto(effective_quanta, upto // divisor_of(whole), whole // divisor_of(whole))
        - quanta_upto(effective_quanta, (upto - share) // divisor_of(whole), whole // divisor_of(whole))
        AS effective_quanta, reason
    FROM running
),
used AS (
    SELECT
        bill_id, pool_id, ordinal AS piece, meter_driver AS driver, meter, at_least, capacity_quanta,
        charge_period_start AS period_start, charge_period_end AS period_end, billed_quanta, effective_quanta,
        CASE WHEN meters > 1 THEN coalesce(reason, 'the line states no capacity of each meter') ELSE reason END
        AS reason
    FROM metered
    WHERE ordinal = 1 AND (meters = 1 OR NOT is_cut)
),
together AS (
    SELECT * FROM plain
    UNION ALL
    SELECT * FROM monthly
    UNION ALL
    SELECT * FROM blended
    UNION ALL
    SELECT * FROM used
)
SELECT
    t.bill_id, t.pool_id, t.piece, p.rule, p.method,
    CASE
        WHEN p.method = 'usage' THEN 'usage' WHEN p.method = 'direct' THEN 'direct'
        WHEN p.months IS NOT NULL THEN 'fixed' ELSE 'shared'
    END AS kind,
    t.driver, t.meter, t.at_least, p.unit_type, p.unit_key, p.has_resource, p.separate_idle, p.months, p.resource,
    p.currency, p.has_usage_line, t.period_start, t.period_end, t.capacity_quanta, t.billed_quanta,
    t.effective_quanta, t.reason,
    CASE
        WHEN t.driver IS NOT NULL AND t.reason IS NULL AND p.method NOT IN ('unused', 'none')
            THEN dense_rank() OVER (ORDER BY t.driver, p.resource, t.period_start, t.period_end)
    END AS set_id
FROM together AS t
INNER JOIN allocation_pools AS p ON p.bill_id = t.bill_id AND p.pool_id = t.pool_id
