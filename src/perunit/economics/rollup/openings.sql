-- Openings of one unit type: when and in which cell each unit had its first event. Grain: unit.
-- Inputs: fresh_unit_days, cells. Window: the scope's. The packed opening is taken apart by shifts: a division of
-- 128-bit integers costs thirty times as much.
SELECT
    o.unit_type, o.unit_key, make_timestamp(CAST(o.opening >> 64 AS BIGINT)) AS opened_at, c.cell_id, o.weight
FROM (
    SELECT unit_type, unit_key, min(opening) AS opening, min(weight) AS weight
    FROM fresh_unit_days
    GROUP BY unit_type, unit_key
) o
JOIN cells c ON c.cell_hash = CAST(o.opening & 18446744073709551615 AS UBIGINT)
