-- The stretches whose price the replay changes. Grain: stretch × cell × kind × meter × resource. Inputs: stored_priced
-- (rollup_priced as stored), rollup_priced (as replayed), replay_windows, replay_hours. Window: all time.
-- Both sides have one price within a stretch, so sums differ exactly where the price does. An hour that the replay
-- cuts and the store does not is compared whole.
WITH stored AS (
    SELECT
        coalesce(h.hour, w.stands_for) AS stretch, p.cell_id, p.kind, p.meter, p.resource, sum(p.amount) AS amount
    FROM stored_priced p
    LEFT JOIN replay_windows w ON w.window_start = p.window_start
    LEFT JOIN replay_hours h ON h.hour = date_trunc('hour', p.window_start)
    GROUP BY ALL
),
replayed AS (
    SELECT
        coalesce(h.hour, p.window_start) AS stretch, p.cell_id, p.kind, p.meter, p.resource, sum(p.amount) AS amount
    FROM rollup_priced p
    LEFT JOIN replay_hours h ON h.hour = date_trunc('hour', p.window_start)
    GROUP BY ALL
)
SELECT coalesce(s.stretch, r.stretch) AS stretch
FROM stored s
FULL JOIN replayed r ON r.stretch = s.stretch AND r.cell_id = s.cell_id AND r.kind = s.kind
    AND r.meter = s.meter AND r.resource IS NOT DISTINCT FROM s.resource
WHERE s.amount IS DISTINCT FROM r.amount
