-- Which priced usage a bill has taken over.
-- Grain: meter × resource × window_start of rollup_priced. Inputs: rollup_priced, billed_usage.
-- Window: the periods of billed_usage.
WITH priced AS (
    SELECT DISTINCT meter, resource, window_start
    FROM rollup_priced
    WHERE kind = 'cost' AND meter IN (SELECT meter FROM billed_usage)
),
spans AS (SELECT DISTINCT period_start, period_end FROM billed_usage),
windows AS (SELECT DISTINCT window_start FROM priced),
covered AS (
    SELECT s.period_start, s.period_end, w.window_start
    FROM spans AS s
    INNER JOIN windows AS w ON w.window_start >= s.period_start AND w.window_start < s.period_end
)
SELECT p.meter, p.resource, p.window_start
FROM covered AS c
INNER JOIN billed_usage AS b ON b.period_start = c.period_start AND b.period_end = c.period_end
INNER JOIN priced AS p ON p.meter = b.meter AND p.window_start = c.window_start AND p.resource = b.resource
UNION
SELECT p.meter, p.resource, p.window_start
FROM covered AS c
INNER JOIN billed_usage AS b ON b.period_start = c.period_start AND b.period_end = c.period_end
INNER JOIN priced AS p ON p.meter = b.meter AND p.window_start = c.window_start
WHERE b.resource IS NULL
