-- unit_days of one unit type. Grain: day × unit × currency. Inputs: lens_events, the scope's events that carry a key
-- of the unit type, with the cost, revenue and fees that the rates in force give each. Window: the scope's.
-- weight is 1 here and set afterwards where something was sampled: its least of many costs more than all the rest.
-- opening is the least (event_time, cell_hash), which any order of arrival finds alike, packed into one integer
-- because that is three times as fast as comparing pairs: microseconds in the upper 64 bits, the hash in the lower.
SELECT
    CAST(date_trunc('day', event_time) AS TIMESTAMP) AS day, $unit_type AS unit_type, unit_key, currency,
    count(*) AS events, count(*) FILTER (WHERE attempted) AS attempts, count(*) FILTER (WHERE succeeded) AS successes,
    sum(revenue) AS revenue, sum(discount) AS discount, sum(refund) AS refund, sum(fee) AS fee, sum(tax) AS tax,
    sum(cost) AS cost, sum(priced_cost) AS priced_cost, sum(priced_revenue) AS priced_revenue,
    sum(priced_fee) AS priced_fee, CAST(sum(unpriced) AS BIGINT) AS unpriced,
    min(event_time) AS first_time, max(event_time) AS last_time, CAST(1 AS DECIMAL(38, 18)) AS weight,
    min(CAST(epoch_us(event_time) AS HUGEINT) * 18446744073709551616 + CAST(cell_hash AS HUGEINT)) AS opening
FROM lens_events
GROUP BY date_trunc('day', event_time), unit_key, currency
