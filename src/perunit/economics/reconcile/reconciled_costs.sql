-- How much of each service's and account's cost someone bears; a pool is allocated whole or not at all.
-- Grain: bill × day × service × account × currency. Inputs: pool_lines, charges, allocations.
-- Window: the bills in force; day is the day the charge period starts, as in allocations.
WITH gaps AS (SELECT DISTINCT bill_id, pool_id FROM allocations WHERE kind = 'unallocated')
SELECT
    c.bill_id, CAST(date_trunc('day', c.charge_period_start) AS TIMESTAMP) AS day, c.service_name,
    coalesce(c.sub_account_id, c.billing_account_id) AS cloud_account, c.billing_currency AS currency,
    CAST(sum(c.effective_cost) AS DECIMAL(38, 18)) AS source_cost,
    CAST(sum(CASE WHEN g.pool_id IS NULL THEN c.effective_cost ELSE 0 END) AS DECIMAL(38, 18)) AS allocated_cost
FROM pool_lines AS p
INNER JOIN charges AS c ON c.bill_id = p.bill_id AND c.line = p.line
LEFT JOIN gaps AS g ON g.bill_id = p.bill_id AND g.pool_id = p.pool_id
GROUP BY ALL
