-- What fees are taken of. Grain: stretch of one price × cell. Inputs: rollup, replay_windows. Window: that of
-- replay_windows.
SELECT
    w.stands_for AS window_start, r.cell_id, sum(r.events) AS events, sum(r.revenue) AS revenue,
    sum(r.discount) AS discount, sum(r.refund) AS refund, sum(r.fee) AS fee, sum(r.tax) AS tax, sum(r.cost) AS cost
FROM rollup r JOIN replay_windows w ON w.window_start = r.window_start
GROUP BY w.stands_for, r.cell_id
