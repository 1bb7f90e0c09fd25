-- What each service and account cost in a window, and how much of it someone bears; the largest gap first.
-- Grain: currency × service × account. Inputs: reconciled_costs. Window: days in [$start, $end).
SELECT
    currency, service_name, cloud_account, CAST(sum(source_cost) AS DECIMAL(38, 18)) AS source_cost,
    CAST(sum(allocated_cost) AS DECIMAL(38, 18)) AS allocated_cost
FROM reconciled_costs
WHERE day >= $start AND day < $end
GROUP BY ALL
ORDER BY currency, abs(sum(source_cost) - sum(allocated_cost)) DESC, abs(sum(source_cost)) DESC, service_name,
    cloud_account
