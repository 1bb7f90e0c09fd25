-- How many units of a type opened in a cell on a day, and how many of them are among $keys. Grain: day and cell.
-- Inputs: rollup_units, units, cells. Window: the days of $days; cells of $cells.
SELECT day, cell_id, sum(opened) AS whole, sum(among) AS part
FROM (
    SELECT CAST(date_trunc('day', f.window_start) AS TIMESTAMP) AS day, f.cell_id, f.opened * coalesce(f.weight, 1) AS opened,
        0 AS among
    FROM rollup_units f WHERE f.unit_type = $unit AND list_contains($cells, f.cell_id)
    UNION ALL
    SELECT CAST(date_trunc('day', u.opened_at) AS TIMESTAMP), k.shown_cell_id, 0, 1
    FROM units u JOIN cells k ON k.cell_id = u.cell_id
    WHERE u.unit_type = $unit AND list_contains($keys, u.unit_key)
) parts
WHERE list_contains($days, day)
GROUP BY day, cell_id
