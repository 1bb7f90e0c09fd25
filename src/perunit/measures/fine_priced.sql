-- Each measured quantity times the rates its rollup row was priced with, so that events and rollups agree to the
-- last digit. A price by volume has no price of one unit: an event bears the share of its quantity in its row of
-- rollup_priced, divided last and rounded down at 18 places. Grain: an event, meter and rate kind. Inputs: measured (see fine.py), rollup_priced, rates.
-- Window: as measured; the rollup rows of the hours it touches.
SELECT m.event_key, m.event_time AS window_start, m.cell_id, p.kind, m.meter, m.resource, p.rate_id, p.currency,
    1 AS usage_events, m.quantity,
    CASE
        WHEN r.tiers IS NOT NULL THEN CASE WHEN p.quantity > 0
            THEN CAST(cost_of(quanta_upto(
                quanta(CAST(p.amount AS DECIMAL(38, 18))), nano(m.quantity) // divisor_of(nano(p.quantity)),
                nano(p.quantity) // divisor_of(nano(p.quantity)))) AS DECIMAL(38, 24)) ELSE 0 END
        WHEN starts_with(m.meter, '@')
        THEN CAST(CAST(m.quantity AS DECIMAL(38, 12)) * CAST(r.unit_price AS DECIMAL(38, 12)) AS DECIMAL(38, 24))
        ELSE CAST(CAST(m.quantity AS DECIMAL(38, 9)) * r.unit_price AS DECIMAL(38, 24)) END AS amount,
    p.superseded
FROM measured m
JOIN (
    SELECT w.window_start, w.cell_id, w.kind, w.meter, w.resource, w.rate_id, w.currency, w.superseded,
        w.quantity, w.amount,
        coalesce(
            lead(w.window_start) OVER (
                PARTITION BY date_trunc('hour', w.window_start), w.cell_id, w.kind, w.meter, w.resource
                ORDER BY w.window_start),
            date_trunc('hour', w.window_start) + INTERVAL 1 HOUR) AS window_end
    FROM (
        SELECT
            window_start, cell_id, kind, meter, resource, rate_id, currency, superseded, sum(quantity) AS quantity,
            sum(amount) AS amount
        FROM rollup_priced
        WHERE window_start >= $hour AND window_start < $end
            AND cell_id IN (SELECT cell_id FROM measured)
        GROUP BY ALL
    ) w
) p ON p.cell_id = m.cell_id AND p.meter = m.meter AND p.resource IS NOT DISTINCT FROM m.resource
    AND m.event_time >= p.window_start AND m.event_time < p.window_end
LEFT JOIN rates r ON r.rate_id = p.rate_id
