-- Where the lines that one rule follows went.
-- Grain: scope (bill × invoice × sub account) × kind × day × who bears it. Inputs: allocation_pools, allocations, cells.
-- Window: the bills in force. Only what is allocated before this rule is there to be followed.
-- With `of` a scope is the bill's lines for which it is true ($followed is their bit); otherwise those of the same
-- invoice and sub account, where the line names one. A target that got money back bears nothing.
WITH scopes AS (
    SELECT DISTINCT bill_id, scope_invoice, scope_account
    FROM allocation_pools
    WHERE rule_number = $number AND method = 'follow'
),
followed AS (
    SELECT s.bill_id, s.scope_invoice, s.scope_account, p.pool_id
    FROM scopes AS s
    INNER JOIN allocation_pools AS p ON p.bill_id = s.bill_id AND p.rule_number IS DISTINCT FROM $number
    WHERE CASE
        WHEN $followed > 0 THEN (p.followed & $followed) > 0
        ELSE coalesce(p.scope_invoice = s.scope_invoice, s.scope_invoice IS NULL)
            AND coalesce(p.scope_account = s.scope_account, s.scope_account IS NULL)
    END
),
summed AS (
    SELECT
        f.bill_id, f.scope_invoice, f.scope_account, a.kind, a.day, a.cell_id, a.unit_type, a.unit_key, a.meter,
        a.resource, a.reason, quanta(CAST(sum(a.effective_cost) AS DECIMAL(38, 18))) AS weight
    FROM followed AS f
    INNER JOIN allocations AS a ON a.bill_id = f.bill_id AND a.pool_id = f.pool_id
    GROUP BY ALL
)
SELECT
    s.*, CAST(sum(greatest(s.weight, 0)) OVER (
        PARTITION BY s.bill_id, s.scope_invoice, s.scope_account
        ORDER BY s.day, s.kind, c.cell_hash, s.cell_id, s.unit_type, s.unit_key, s.meter, s.resource, s.reason
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS HUGEINT) AS upto,
    CAST(sum(greatest(s.weight, 0)) OVER scope AS HUGEINT) AS total, CAST(sum(s.weight) OVER scope AS HUGEINT) AS net
FROM summed AS s
LEFT JOIN cells AS c ON c.cell_id = s.cell_id
WINDOW scope AS (PARTITION BY s.bill_id, s.scope_invoice, s.scope_account)
