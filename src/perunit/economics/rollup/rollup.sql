-- rollup. Grain: window × cell. Inputs: scope_events, scope_duplicates, cells. Window: the scope's.
SELECT
    window_of(e.event_time) AS window_start, c.shown_cell_id AS cell_id,
    count(*) AS events, CAST(0 AS BIGINT) AS duplicates, count(*) FILTER (WHERE e.late) AS late,
    sum(e.revenue) AS revenue, sum(e.discount) AS discount, sum(e.refund) AS refund,
    sum(e.fee) AS fee, sum(e.tax) AS tax, sum(e.cost) AS cost
FROM scope_events e JOIN cells c ON c.cell_id = e.cell_id
GROUP BY window_of(e.event_time), c.shown_cell_id
UNION ALL
SELECT
    window_of(d.event_time), c.shown_cell_id, 0, count(*), 0, NULL, NULL, NULL, NULL, NULL, NULL
FROM scope_duplicates d JOIN cells c ON c.cell_id = d.cell_id
GROUP BY window_of(d.event_time), c.shown_cell_id
