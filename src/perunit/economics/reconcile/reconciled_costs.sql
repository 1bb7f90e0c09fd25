-- How much of each service's and account's cost someone bears.
-- Grain: bill × day × service × account × currency. Inputs: pool_lines, charges, allocations.
-- Window: the bills in force; day is the day the charge period starts, as in allocations.
-- What no one bears of a pool (all of it, or the months of a horizon that have nothing to be split by) is the gap of its
-- lines: all of them, or in proportion to the size of each, split as in economics/attribute (macros.sql).
WITH gaps AS (
    SELECT bill_id, pool_id, quanta(CAST(sum(effective_cost) AS DECIMAL(38, 18))) AS gap
    FROM allocations
    WHERE kind = 'unallocated'
    GROUP BY bill_id, pool_id
),
sources AS (
    SELECT
        p.bill_id, p.pool_id, CAST(date_trunc('day', c.charge_period_start) AS TIMESTAMP) AS day, c.service_name,
        coalesce(c.sub_account_id, c.billing_account_id) AS cloud_account, c.billing_currency AS currency,
        CAST(sum(c.effective_cost) AS DECIMAL(38, 18)) AS source_cost
    FROM pool_lines AS p
    INNER JOIN charges AS c ON c.bill_id = p.bill_id AND c.line = p.line
    GROUP BY ALL
),
sized AS (
    SELECT
        s.*, g.gap, quanta(s.source_cost) AS source, CAST(sum(abs(quanta(s.source_cost))) OVER pool AS HUGEINT) AS whole,
        CAST(sum(quanta(s.source_cost)) OVER pool AS HUGEINT) AS net,
        CAST(sum(abs(quanta(s.source_cost))) OVER (
            PARTITION BY s.bill_id, s.pool_id ORDER BY s.day, s.service_name, s.cloud_account
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS HUGEINT) AS upto
    FROM sources AS s
    INNER JOIN gaps AS g ON g.bill_id = s.bill_id AND g.pool_id = s.pool_id
    WINDOW pool AS (PARTITION BY s.bill_id, s.pool_id)
),
borne AS (
    SELECT bill_id, day, service_name, cloud_account, currency, source_cost, source_cost AS allocated_cost
    FROM sources
    ANTI JOIN gaps USING (bill_id, pool_id)
    UNION ALL
    SELECT
        bill_id, day, service_name, cloud_account, currency, source_cost,
        CASE
            WHEN gap = net OR whole = 0 THEN 0
            ELSE source_cost - cost_of(
                quanta_upto(gap, upto // divisor_of(whole), whole // divisor_of(whole))
                - quanta_upto(gap, (upto - abs(source)) // divisor_of(whole), whole // divisor_of(whole))
            )
        END
    FROM sized
)
SELECT
    bill_id, day, service_name, cloud_account, currency, CAST(sum(source_cost) AS DECIMAL(38, 18)) AS source_cost,
    CAST(sum(allocated_cost) AS DECIMAL(38, 18)) AS allocated_cost
FROM borne
GROUP BY ALL
