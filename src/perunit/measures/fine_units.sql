-- What rollup_units holds, one row per unit. Grain: a unit. Inputs: units, cells. Window: opened_at in [$start, $end).
SELECT u.opened_at AS window_start, u.unit_type, k.shown_cell_id AS cell_id, 1 AS opened, u.unit_key, u.weight
FROM units u JOIN cells k ON k.cell_id = u.cell_id
WHERE u.unit_type = $unit AND u.opened_at >= $start AND u.opened_at < $end
