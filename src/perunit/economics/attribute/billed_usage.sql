-- The usage whose cost a bill has taken over from the list rates.
-- Grain: meter × resource (null: every resource) × charge period. Inputs: allocation_pools.
-- Window: the charge periods of the bills in force.
-- Only usage lines take over: a credit or a tax on the same resource is no price of its usage.
SELECT DISTINCT
    meter, CASE WHEN has_resource THEN resource END AS resource, charge_period_start AS period_start,
    charge_period_end AS period_end
FROM allocation_pools
WHERE method = 'usage' AND has_usage_line AND reason IS NULL
