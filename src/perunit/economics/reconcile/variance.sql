-- What usage was billed at beside what it was estimated at from list prices.
-- Grain: billing period × meter × resource × charge period × currency; a row without billed cost is usage that no line
-- charges. Inputs: reconcile_lines, allocations, rollup_priced, cells.
-- Window: billing periods and measured windows that start in [$start, $end).
-- Each measured window belongs to one charge period at most: the narrowest, then the earliest one that holds it.
-- is_outside: the charge period starts outside of its billing period.
-- service: that of the lines, all of them where they are of several; nothing is compared service by service, because
-- measured usage has none.
WITH charged AS (
    SELECT
        billing_period_start, billing_period_end, meter, resource, charge_period_start, charge_period_end, currency,
        CAST(sum(effective_cost) AS DECIMAL(38, 18)) AS billed,
        CAST(sum(CASE WHEN is_copy THEN effective_cost ELSE 0 END) AS DECIMAL(38, 18)) AS duplicate,
        CASE WHEN bool_and(is_copy OR billed_quantity IS NOT NULL)
            THEN sum(CASE WHEN is_copy THEN 0 ELSE billed_quantity END) END AS billed_quantity,
        bool_and(is_capped) AS is_capped,
        string_agg(DISTINCT service_name, ', ' ORDER BY service_name) AS service,
        charge_period_start < billing_period_start OR charge_period_start >= billing_period_end AS is_outside
    FROM reconcile_lines
    WHERE is_usage
    GROUP BY ALL
),
pools AS (
    SELECT DISTINCT bill_id, pool_id, billing_period_start, meter, resource, charge_period_start, charge_period_end,
        currency
    FROM reconcile_lines
    WHERE is_usage
),
idle AS (
    SELECT p.billing_period_start, p.meter, p.resource, p.charge_period_start, p.charge_period_end, p.currency,
        CAST(sum(a.effective_cost) AS DECIMAL(38, 18)) AS idle
    FROM pools AS p
    INNER JOIN allocations AS a ON a.bill_id = p.bill_id AND a.pool_id = p.pool_id
    WHERE a.kind = 'idle'
    GROUP BY ALL
),
weights AS (
    SELECT p.meter, p.resource, p.window_start, p.currency, c.weight, sum(p.quantity) AS quantity,
        sum(p.amount) AS amount
    FROM rollup_priced AS p
    INNER JOIN cells AS c ON c.cell_id = p.cell_id
    WHERE p.kind = 'cost' AND p.meter IN (SELECT meter FROM charged)
    GROUP BY ALL
),
measured AS (
    SELECT meter, resource, window_start, currency,
        CAST(sum(weighed_quantity(quantity, weight)) AS DECIMAL(38, 12)) AS quantity,
        sum(weighed_amount(amount, weight)) AS amount
    FROM weights
    GROUP BY ALL
),
spans AS (SELECT DISTINCT charge_period_start, charge_period_end FROM charged),
windows AS (SELECT DISTINCT window_start FROM measured),
covered AS (
    SELECT s.charge_period_start, s.charge_period_end, w.window_start
    FROM spans AS s
    INNER JOIN windows AS w ON w.window_start >= s.charge_period_start AND w.window_start < s.charge_period_end
),
candidates AS (
    SELECT m.*, c.billing_period_start, c.resource AS charged_resource, c.charge_period_start, c.charge_period_end,
        c.currency AS billed_in
    FROM measured AS m
    INNER JOIN covered AS w ON w.window_start = m.window_start
    INNER JOIN charged AS c
        ON c.meter = m.meter AND c.resource = m.resource AND c.charge_period_start = w.charge_period_start
        AND c.charge_period_end = w.charge_period_end
    UNION ALL
    SELECT m.*, c.billing_period_start, NULL, c.charge_period_start, c.charge_period_end, c.currency
    FROM measured AS m
    INNER JOIN covered AS w ON w.window_start = m.window_start
    INNER JOIN charged AS c
        ON c.meter = m.meter AND c.charge_period_start = w.charge_period_start
        AND c.charge_period_end = w.charge_period_end
    WHERE c.resource IS NULL
),
held AS (
    SELECT *
    FROM candidates
    QUALIFY row_number() OVER (
        PARTITION BY meter, resource, window_start, currency
        ORDER BY charge_period_end - charge_period_start, charged_resource NULLS LAST, charge_period_start,
            billing_period_start, billed_in
    ) = 1
),
estimates AS (
    SELECT billing_period_start, meter, charged_resource, charge_period_start, charge_period_end, billed_in,
        sum(quantity) AS measured_quantity, sum(CASE WHEN currency = billed_in THEN amount END) AS estimated,
        bool_or(currency <> billed_in) AS is_foreign,
        sum(CASE WHEN currency = billed_in AND window_start >= $start AND window_start < $end THEN amount END)
            AS estimated_here
    FROM held
    GROUP BY ALL
),
alone AS (
    SELECT m.meter, m.resource, m.currency, sum(m.quantity) AS measured_quantity, sum(m.amount) AS estimated
    FROM measured AS m
    ANTI JOIN held AS h
        ON h.meter = m.meter AND h.resource IS NOT DISTINCT FROM m.resource AND h.window_start = m.window_start
        AND h.currency IS NOT DISTINCT FROM m.currency
    WHERE m.window_start >= $start AND m.window_start < $end
    GROUP BY ALL
),
strangers AS (
    SELECT meter, charged_resource AS resource, charge_period_start, charge_period_end, currency,
        sum(quantity) AS measured_quantity, sum(amount) AS estimated
    FROM held
    WHERE currency <> billed_in AND window_start >= $start AND window_start < $end
    GROUP BY ALL
)
SELECT
    CASE WHEN c.is_outside THEN 'timing' ELSE 'billed' END AS kind, c.service, c.meter, c.resource, c.charge_period_start,
    c.charge_period_end, c.currency, c.billed, c.duplicate, coalesce(i.idle, 0) AS idle, c.billed_quantity,
    c.is_capped, e.measured_quantity, CASE WHEN NOT c.is_outside THEN e.estimated END AS estimated,
    coalesce(e.is_foreign, false) AS is_foreign
FROM charged AS c
LEFT JOIN idle AS i
    ON i.billing_period_start = c.billing_period_start AND i.meter = c.meter
    AND i.resource IS NOT DISTINCT FROM c.resource AND i.charge_period_start = c.charge_period_start
    AND i.charge_period_end = c.charge_period_end AND i.currency = c.currency
LEFT JOIN estimates AS e
    ON e.billing_period_start = c.billing_period_start AND e.meter = c.meter
    AND e.charged_resource IS NOT DISTINCT FROM c.resource AND e.charge_period_start = c.charge_period_start
    AND e.charge_period_end = c.charge_period_end AND e.billed_in = c.currency
WHERE c.billing_period_start >= $start AND c.billing_period_start < $end
UNION ALL
SELECT 'timing', c.service, c.meter, c.resource, c.charge_period_start, c.charge_period_end, c.currency, 0, 0, 0, NULL, false,
    e.measured_quantity, e.estimated_here, false
FROM charged AS c
INNER JOIN estimates AS e
    ON e.billing_period_start = c.billing_period_start AND e.meter = c.meter
    AND e.charged_resource IS NOT DISTINCT FROM c.resource AND e.charge_period_start = c.charge_period_start
    AND e.charge_period_end = c.charge_period_end AND e.billed_in = c.currency
WHERE c.is_outside AND e.estimated_here IS NOT NULL
UNION ALL
SELECT 'currency', NULL, meter, resource, charge_period_start, charge_period_end, currency, 0, 0, 0, NULL, false,
    measured_quantity, estimated, false
FROM strangers
UNION ALL
SELECT 'not billed', NULL, meter, resource, NULL, NULL, currency, 0, 0, 0, NULL, false, measured_quantity, estimated, false
FROM alone
WHERE estimated IS NOT NULL
ORDER BY meter, resource NULLS FIRST, charge_period_start NULLS LAST, currency, kind
