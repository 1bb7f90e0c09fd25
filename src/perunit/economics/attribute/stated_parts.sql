-- Pieces split by stated weights: the units their parts ended at.
-- Grain: piece × unit. Inputs: allocation_flows, allocation_pieces, units, cells. Window: the periods of the pieces.
-- A unit that no event has named yet has no cell; the key is kept all the same.
WITH ended AS (
    SELECT
        bill_id, pool_id, piece, unit_type, unit_key, CAST(sum(billed) AS HUGEINT) AS billed,
        CAST(sum(effective) AS HUGEINT) AS effective
    FROM allocation_flows
    WHERE unit_key IS NOT NULL
    GROUP BY bill_id, pool_id, piece, unit_type, unit_key
)
SELECT
    p.bill_id, p.pool_id, p.rule, p.method, p.kind, p.currency,
    CAST(date_trunc('day', p.period_start) AS TIMESTAMP) AS day, c.shown_cell_id AS cell_id, e.unit_type,
    e.unit_key, p.meter, p.resource, CAST(NULL AS VARCHAR) AS reason, cost_of(e.billed) AS billed_cost,
    cost_of(e.effective) AS effective_cost
FROM ended AS e
INNER JOIN allocation_pieces AS p ON p.bill_id = e.bill_id AND p.pool_id = e.pool_id AND p.piece = e.piece
LEFT JOIN units AS u ON u.unit_type = e.unit_type AND u.unit_key = e.unit_key
LEFT JOIN cells AS c ON c.cell_id = u.cell_id
