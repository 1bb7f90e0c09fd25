-- What bills put on cells and days a unit had events in. Grain: bill, rule, kind, day, cell, meter and resource.
-- Inputs: allocations. Window: the days of $days; cells of $cells.
SELECT a.bill_id, a.rule, a.method, a.kind, a.currency, a.day, a.cell_id, a.meter, a.resource,
    sum(a.effective_cost) AS effective_cost
FROM allocations a
WHERE a.kind IN ('usage', 'shared', 'fixed') AND a.unit_key IS NULL AND coalesce(a.unit_type, $unit) = $unit
    AND list_contains($cells, a.cell_id) AND list_contains($days, a.day)
GROUP BY a.bill_id, a.rule, a.method, a.kind, a.currency, a.day, a.cell_id, a.meter, a.resource
ORDER BY a.day, a.kind DESC, a.rule, a.meter, a.resource, a.cell_id
