-- The usage whose cost a bill has taken over from the list rates.
-- Grain: meter × resource (null: every resource) × charge period. Inputs: allocation_pieces.
-- Window: the charge periods of the bills in force.
-- Only usage lines take over: a credit or a tax on the same resource is no price of its usage.
WITH taken AS (
    SELECT
        unnest([meter, at_least]) AS meter, CASE WHEN has_resource THEN resource END AS resource, period_start,
        period_end
    FROM allocation_pieces
    WHERE method = 'usage' AND has_usage_line AND reason IS NULL
)
SELECT DISTINCT meter, resource, period_start, period_end
FROM taken
WHERE meter IS NOT NULL
