-- How much of a measure each cell has in each period.
-- Grain: set × day × cell × currency. Inputs: allocation_pieces, allocation_measured.
-- Window: windows that overlap the period. weight: the measure in units of 10^-18.
WITH sets AS (
    SELECT DISTINCT set_id, driver, period_start, period_end
    FROM allocation_pieces
    WHERE method <> 'usage' AND set_id IS NOT NULL
),
spans AS (SELECT DISTINCT period_start, period_end FROM sets),
windows AS (SELECT DISTINCT window_start, window_end FROM allocation_measured),
covered AS (
    SELECT s.period_start, s.period_end, w.window_start, w.window_end
    FROM spans AS s
    INNER JOIN windows AS w ON w.window_start < s.period_end AND w.window_end > s.period_start
),
summed AS (
    SELECT
        s.set_id, CAST(date_trunc('day', m.window_start) AS TIMESTAMP) AS day, m.cell_id, m.currency,
        CAST(CAST(sum(m.amount) AS DECIMAL(38, 24)) AS DECIMAL(38, 18)) AS amount
    FROM sets AS s
    INNER JOIN covered AS c
        ON c.period_start = s.period_start AND c.period_end = s.period_end
    INNER JOIN allocation_measured AS m
        ON m.driver = s.driver AND m.window_start = c.window_start AND m.window_end = c.window_end
    GROUP BY ALL
)
SELECT set_id, day, cell_id, currency, quanta(amount) AS weight
FROM summed
