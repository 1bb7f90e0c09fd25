-- Where the cost of every bill in force went.
-- Grain: bill × currency × rule × method × kind × reason. Inputs: allocations. Window: none.
SELECT
    bill_id, currency, rule, method, kind, reason, count(*) AS parts,
    CAST(sum(billed_cost) AS DECIMAL(38, 18)) AS billed_cost,
    CAST(sum(effective_cost) AS DECIMAL(38, 18)) AS effective_cost
FROM allocations
GROUP BY ALL
ORDER BY bill_id, currency, rule, kind, reason
