-- Openings of one unit type. Grain: unit. Inputs: lens_events. Window: the scope's.
-- A unit opens with its least (event_time, cell_hash), packed into one integer so that min() finds both at once:
-- microseconds × 2^64 + hash.
SELECT
    $unit_type AS unit_type, unit_key,
    min(CAST(epoch_us(event_time) AS HUGEINT) * 18446744073709551616 + CAST(cell_hash AS HUGEINT)) AS opening
FROM lens_events
GROUP BY unit_key
