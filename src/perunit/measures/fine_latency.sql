-- What rollup_latency holds, one row per event. Grain: an event with a latency. Inputs: events, cells.
-- Window: event_time in [$start, $end). The logarithm of a double is off by an ulp near a bound, so the guess is
-- held against the bounds themselves: bucket i holds the values in (2^(i / 32), 2^((i + 1) / 32)].
SELECT g.day, g.cell_id,
    g.guess + CASE WHEN g.latency > pow(2, (g.guess + 1) / 32.0) THEN 1
        WHEN g.latency <= pow(2, g.guess / 32.0) THEN -1 ELSE 0 END AS bucket,
    1 AS observations, g.latency_ms AS latency_min, g.latency_ms AS latency_max
FROM (
    SELECT e.event_time AS day, k.shown_cell_id AS cell_id, e.latency_ms, CAST(e.latency_ms AS DOUBLE) AS latency,
        CASE WHEN e.latency_ms > 0
            THEN CAST(ceil(log2(CAST(e.latency_ms AS DOUBLE)) * 32) AS INTEGER) - 1 END AS guess
    FROM events e JOIN cells k ON k.cell_id = e.cell_id
    WHERE e.event_time >= $start AND e.event_time < $end AND e.latency_ms IS NOT NULL
) g
