-- What rollup_usage holds, one row per measured quantity. Grain: an event and meter. Input: measured (see fine.py).
SELECT m.event_key, m.event_time AS window_start, m.cell_id, m.meter, m.resource, 1 AS usage_events, m.quantity
FROM measured m WHERE NOT starts_with(m.meter, '@')
