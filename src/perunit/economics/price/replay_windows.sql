-- replay_windows. Grain: window. Inputs: rollup, replay_instants (every instant at which a price changes, before or
-- after), replay_hours. Window: [$start, $end). Windows between two changes have one price on each side, so they are
-- summed before they are priced: stands_for is the first window of such a stretch. Hours read from events are
-- stretches of their own.
SELECT window_start, min(window_start) OVER (PARTITION BY stretch, cut_hour) AS stands_for
FROM (
    SELECT
        w.window_start, h.hour AS cut_hour,
        (SELECT max(i.instant) FROM replay_instants i WHERE i.instant <= w.window_start) AS stretch
    FROM (SELECT DISTINCT window_start FROM rollup WHERE window_start >= $start AND window_start < $end) w
    LEFT JOIN replay_hours h ON h.hour = date_trunc('hour', w.window_start)
)
