-- Why a piece cannot be split by its weights.
-- Grain: piece without a way to split it. Inputs: allocation_pieces, allocation_sets. Window: none.
-- A month of a horizon after the last event ($known_until) is still to come.
-- A capacity that was measured as unused is idle, not unallocated; what was not measured is unknown.
WITH named AS (
    SELECT
        p.bill_id, p.pool_id, p.piece, s.set_id IS NULL AS is_unknown, s.currencies, s.net,
        p.separate_idle AND coalesce(p.capacity_quanta > 0, false) AS can_be_idle,
        p.months IS NOT NULL AND coalesce(p.period_start > $known_until, false) AS is_ahead,
        CASE
            WHEN p.method = 'usage' AND p.has_resource THEN 'usage of ' || p.meter || ' on ' || p.resource
            WHEN p.method = 'usage' THEN 'usage of ' || p.meter
            WHEN p.driver LIKE 'units:%' THEN substr(p.driver, 7) || ' opened'
            ELSE substr(p.driver, 9)
        END AS what
    FROM allocation_pieces AS p
    LEFT JOIN allocation_sets AS s ON s.set_id = p.set_id
    WHERE p.reason IS NULL AND p.method IN ($first, $second)
)
SELECT
    bill_id, pool_id, piece,
    CASE
        WHEN is_unknown AND is_ahead THEN 'the month is still to come'
        WHEN is_unknown THEN 'no ' || what || ' in the period'
        WHEN currencies > 1 THEN what || ' in the period is in ' || currencies || ' currencies'
        ELSE what || ' in the period is ' || CASE WHEN net < 0 THEN 'negative' ELSE 'zero' END
    END AS reason
FROM named
WHERE is_unknown OR currencies > 1 OR net < 0 OR (net = 0 AND NOT can_be_idle)
