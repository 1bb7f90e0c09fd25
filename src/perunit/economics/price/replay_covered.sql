-- replay_covered. Grain: meter × resource (null: every resource) × stored window. Inputs: billed_usage, replay_windows.
-- Window: that of replay_windows. The usage whose cost a bill has taken over, whatever the list price is.
SELECT DISTINCT b.meter, b.resource, w.window_start
FROM (SELECT DISTINCT period_start, period_end FROM billed_usage) s
JOIN replay_windows w ON w.window_start >= s.period_start AND w.window_start < s.period_end
JOIN billed_usage b ON b.period_start = s.period_start AND b.period_end = s.period_end
