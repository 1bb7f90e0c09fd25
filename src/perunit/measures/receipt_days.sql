-- What a cell summed up to on a day, as the whole a unit has a share of. Grain: day and cell. Inputs: rollup,
-- rollup_priced, allocations, cells. Window: the days of $days; cells of $cells. Only amounts in $currency; costs as
-- the measures count them: list-priced where no bill has taken over, and the parts of bills that carry cost.
SELECT day, cell_id,
    sum(events) AS events, sum(attempts) AS attempts, sum(successes) AS successes,
    sum(revenue) AS recorded_revenue, sum(discount) AS recorded_discounts, sum(refund) AS recorded_refunds,
    sum(fee) AS recorded_fees, sum(cost) AS recorded_cost,
    sum(priced_revenue) AS listed_revenue, sum(priced_fee) AS listed_fees, sum(priced_cost) AS listed_cost,
    sum(direct_cost) AS billed_direct, sum(usage_cost) AS billed_usage
FROM (
    SELECT CAST(date_trunc('day', f.window_start) AS TIMESTAMP) AS day, f.cell_id, f.events,
        CASE WHEN (k.attempt_mask >> CAST($bit AS INTEGER)) & 1 = 1 THEN f.events END AS attempts,
        CASE WHEN (k.success_mask >> CAST($bit AS INTEGER)) & 1 = 1 THEN f.events END AS successes,
        CASE WHEN k.currency = $currency THEN f.revenue END AS revenue,
        CASE WHEN k.currency = $currency THEN f.discount END AS discount,
        CASE WHEN k.currency = $currency THEN f.refund END AS refund,
        CASE WHEN k.currency = $currency THEN f.fee END AS fee,
        CASE WHEN k.currency = $currency THEN f.cost END AS cost,
        NULL AS priced_revenue, NULL AS priced_fee, NULL AS priced_cost, NULL AS direct_cost, NULL AS usage_cost
    FROM rollup f JOIN cells k ON k.cell_id = f.cell_id
    WHERE list_contains($cells, f.cell_id)
    UNION ALL
    SELECT CAST(date_trunc('day', f.window_start) AS TIMESTAMP), f.cell_id, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL,
        CASE WHEN f.kind = 'revenue' THEN f.amount END, CASE WHEN f.kind = 'fee' THEN f.amount END,
        CASE WHEN f.kind = 'cost' AND NOT f.superseded THEN f.amount END, NULL, NULL
    FROM rollup_priced f WHERE list_contains($cells, f.cell_id) AND f.currency = $currency
    UNION ALL
    SELECT f.day, f.cell_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        CASE WHEN f.kind = 'direct' THEN f.effective_cost END, CASE WHEN f.kind = 'usage' THEN f.effective_cost END
    FROM allocations f
    WHERE list_contains($cells, f.cell_id) AND f.currency = $currency AND f.kind IN ('direct', 'usage')
) parts
WHERE list_contains($days, day)
GROUP BY day, cell_id
