-- Pieces whose lines carry a unit's key: the unit bears them whole.
-- Grain: piece. Inputs: allocation_pieces, units, cells. Window: the charge periods of the bills in force.
-- A unit that no event has named yet has no cell; the key is kept all the same.
SELECT
    p.bill_id, p.pool_id, p.rule, p.method, p.kind, p.currency,
    CAST(date_trunc('day', p.period_start) AS TIMESTAMP) AS day, c.shown_cell_id AS cell_id, p.unit_type,
    p.unit_key, p.meter, p.resource, p.reason, cost_of(p.billed_quanta) AS billed_cost,
    cost_of(p.effective_quanta) AS effective_cost
FROM allocation_pieces AS p
LEFT JOIN units AS u ON u.unit_type = p.unit_type AND u.unit_key = p.unit_key
LEFT JOIN cells AS c ON c.cell_id = u.cell_id
WHERE p.method = 'direct' AND p.reason IS NULL
