-- rollup_priced. Grain: window × cell × meter × resource × kind. Inputs: scope_meters (usage and the amounts that
-- fees are taken of), rate_card, priced_meters. Window: the scope's. A meter that must have a price and has none
-- stands with rate_id null: unpriced, counted, never 0. A percentage is taken in the currency of what it is taken of.
SELECT
    u.window_start, u.cell_id, coalesce(r.kind, 'cost') AS kind, u.meter, u.resource, r.rate_id,
    CASE WHEN u.meter LIKE '@%' AND u.meter <> '@events' THEN c.currency ELSE r.currency END AS currency,
    u.usage_events, CAST(u.quantity AS DECIMAL(38, 12)) AS quantity,
    CASE WHEN r.kind = 'fee' AND u.meter LIKE '@%'
         THEN CAST(u.quantity AS DECIMAL(38, 12)) * CAST(r.unit_price AS DECIMAL(38, 12))
         ELSE CAST(u.quantity AS DECIMAL(38, 9)) * r.unit_price END AS amount,
    false AS superseded
FROM scope_meters u
JOIN cells c ON c.cell_id = u.cell_id
LEFT JOIN rate_card r
  ON r.cell_id = u.cell_id AND r.meter = u.meter
 AND r.resource IS NOT DISTINCT FROM u.priced_resource
 AND u.window_start >= r.period_start AND u.window_start < r.period_end
WHERE r.rate_id IS NOT NULL OR u.meter IN (SELECT meter FROM priced_meters)
