-- The bill lines behind the pools of a unit's own allocations. Grain: a bill line. Inputs: allocations, pool_lines, charges.
-- Window: none; the pools in which the unit bears a part.
SELECT DISTINCT p.bill_id, p.pool_id, h.line, h.service_name, h.charge_description, h.resource_id, h.billed_cost
FROM allocations a
JOIN pool_lines p ON p.bill_id = a.bill_id AND p.pool_id = a.pool_id
JOIN charges h ON h.bill_id = p.bill_id AND h.line = p.line
WHERE a.kind IN ('direct', 'shared', 'fixed') AND a.unit_type = $unit AND list_contains($keys, a.unit_key)
ORDER BY p.bill_id, p.pool_id, h.line
