-- replay_usage. Grain: stretch of one price × cell × meter × resource × whether a bill has taken its cost over.
-- Inputs: rollup_usage, replay_windows, replay_covered. Window: that of replay_windows.
SELECT
    w.stands_for AS window_start, u.cell_id, u.meter, u.resource,
    a.window_start IS NOT NULL OR b.window_start IS NOT NULL AS covered,
    sum(u.usage_events) AS usage_events, sum(u.quantity) AS quantity
FROM rollup_usage u
JOIN replay_windows w ON w.window_start = u.window_start
LEFT JOIN replay_covered a ON a.meter = u.meter AND a.resource = u.resource AND a.window_start = u.window_start
LEFT JOIN replay_covered b ON b.resource IS NULL AND b.meter = u.meter AND b.window_start = u.window_start
GROUP BY w.stands_for, u.cell_id, u.meter, u.resource, covered
