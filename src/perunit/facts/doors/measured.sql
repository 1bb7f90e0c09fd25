-- Grain: one sample of a tracked series. In: `tracked` (position, series, time, value, start_time), the rows that are
-- tracked; `series`, what was last known of each series of $source. Window: none; samples count in the order of their
-- times. Out: what a counter has grown by, what a gauge has held, and whether the sample was counted before.
-- increase is null for the first sample ever seen, unless its counter started within $hold_seconds before it. A value
-- below the last one, or a start after it, is a counter that began anew: all of it is growth.
-- held is what the series showed since its last sample, times the seconds since; null where that is too long ago.
WITH known AS (
    SELECT * EXCLUDE (source) FROM series WHERE source = $source AND series IN (SELECT series FROM tracked)
), numbered AS (
    SELECT t.*, k.last_time, k.last_value, k.holding,
        row_number() OVER (PARTITION BY t.series, t.time ORDER BY t.position) > 1
            OR coalesce(t.time <= k.last_time, false) AS repeated
    FROM tracked t LEFT JOIN known k USING (series)
), steps AS (
    SELECT position, series, time, value, start_time,
        coalesce(lag(time) OVER series_order, last_time) AS before_time,
        coalesce(last_value(value IGNORE NULLS) OVER earlier, last_value) AS before_value,
        CASE WHEN row_number() OVER series_order = 1 THEN holding ELSE lag(value) OVER series_order END AS holding
    FROM numbered WHERE NOT repeated
    WINDOW series_order AS (PARTITION BY series ORDER BY time),
        earlier AS (PARTITION BY series ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), grown AS (
    SELECT position, series, time, value, coalesce(value, before_value) AS counted,
        CASE
            WHEN before_value IS NULL THEN CASE WHEN epoch_us(time) - epoch_us(start_time) <= hold_us THEN value END
            WHEN value < before_value OR start_time > before_time THEN value
            ELSE value - before_value
        END AS increase,
        CASE WHEN epoch_us(time) - epoch_us(before_time) <= hold_us THEN
            TRY(holding * (CAST(epoch_us(time) - epoch_us(before_time) AS DECIMAL(18, 0)) * 0.000001))
        END AS held
    FROM steps CROSS JOIN (SELECT CAST($hold_seconds AS BIGINT) * 1000000 AS hold_us)
)
SELECT position, series, time, value, counted, increase, held, false AS repeated FROM grown
UNION ALL
SELECT position, series, time, value, NULL, NULL, NULL, true FROM numbered WHERE repeated
