-- What a cell summed up to on a day, as the whole a unit has a share of. Grain: day and cell. Inputs: rollup,
-- rollup_units, rollup_priced, cells. Window: the days of $days; cells of $cells.
SELECT day, cell_id,
    sum(events) AS events, sum(attempts) AS attempts, sum(successes) AS successes, sum(opened) AS units,
    sum(revenue) AS recorded_revenue, sum(discount) AS recorded_discounts, sum(refund) AS recorded_refunds,
    sum(fee) AS recorded_fees, sum(cost) AS recorded_cost,
    sum(priced_revenue) AS listed_revenue, sum(priced_fee) AS listed_fees, sum(priced_cost) AS listed_cost
FROM (
    SELECT CAST(date_trunc('day', f.window_start) AS TIMESTAMP) AS day, f.cell_id, f.events,
        CASE WHEN (k.attempt_mask >> CAST($bit AS INTEGER)) & 1 = 1 THEN f.events END AS attempts,
        CASE WHEN (k.success_mask >> CAST($bit AS INTEGER)) & 1 = 1 THEN f.events END AS successes,
        NULL AS opened, f.revenue, f.discount, f.refund, f.fee, f.cost,
        NULL AS priced_revenue, NULL AS priced_fee, NULL AS priced_cost
    FROM rollup f JOIN cells k ON k.cell_id = f.cell_id
    WHERE list_contains($cells, f.cell_id)
    UNION ALL
    SELECT CAST(date_trunc('day', f.window_start) AS TIMESTAMP), f.cell_id, NULL, NULL, NULL,
        f.opened, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM rollup_units f WHERE list_contains($cells, f.cell_id) AND f.unit_type = $unit
    UNION ALL
    SELECT CAST(date_trunc('day', f.window_start) AS TIMESTAMP), f.cell_id, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL,
        CASE WHEN f.kind = 'revenue' THEN f.amount END, CASE WHEN f.kind = 'fee' THEN f.amount END,
        CASE WHEN f.kind = 'cost' THEN f.amount END
    FROM rollup_priced f WHERE list_contains($cells, f.cell_id) AND f.currency = $currency
) parts
WHERE list_contains($days, day)
GROUP BY day, cell_id
