-- What rollup holds, one row per event and per repeat of one. Grain: a fact. Inputs: events, duplicates, cells.
-- Window: event_time in [$start, $end).
SELECT e.event_key, e.event_time AS window_start, k.shown_cell_id AS cell_id, 1 AS events, 0 AS duplicates,
    CAST(e.late AS INTEGER) AS late, e.revenue, e.discount, e.refund, e.fee, e.tax, e.cost
FROM events e JOIN cells k ON k.cell_id = e.cell_id
WHERE e.event_time >= $start AND e.event_time < $end
UNION ALL
SELECT hash(k.source, d.id), d.event_time, k.shown_cell_id, 0, 1, 0, NULL, NULL, NULL, NULL, NULL, NULL
FROM duplicates d JOIN cells k ON k.cell_id = d.cell_id
WHERE d.event_time >= $start AND d.event_time < $end
