-- What bills say usage cost, beside what the price books say. Grain: meter × resource (null: every resource) × currency ×
-- consumed unit. Inputs: bills, allocations, pool_lines, charges, rollup_priced, cells. Window: billing periods that start in
-- [$start, $end), of the bills in force. Only usage lines that a usage rule takes: a credit or a tax is no price.
-- priced_quantity and listed_cost are of the measured usage that has a list rate.
WITH pools AS (
    SELECT DISTINCT a.bill_id, a.pool_id, a.meter, a.resource, b.billing_period_start, b.billing_period_end
    FROM allocations a
    JOIN bills b ON b.bill_id = a.bill_id
    WHERE a.method = 'usage' AND a.meter IS NOT NULL
        AND b.billing_period_start >= $start AND b.billing_period_start < $end
),
billed AS (
    SELECT
        p.meter, p.resource, h.billing_currency AS currency, h.consumed_unit,
        min(p.billing_period_start) AS period_start, max(p.billing_period_end) AS period_end,
        sum(h.effective_cost) AS effective_cost,
        CASE WHEN count(h.consumed_quantity) = count(*) THEN sum(h.consumed_quantity) END AS consumed_quantity
    FROM pools p
    JOIN pool_lines l ON l.bill_id = p.bill_id AND l.pool_id = p.pool_id
    JOIN charges h ON h.bill_id = l.bill_id AND h.line = l.line
    WHERE h.charge_category = 'Usage'
    GROUP BY p.meter, p.resource, h.billing_currency, h.consumed_unit
),
used AS (
    SELECT p.kind, p.superseded, p.meter, p.resource, p.window_start, weighed_quantity(p.quantity, c.weight) AS quantity,
        weighed_amount(p.amount, c.weight) AS amount
    FROM rollup_priced p
    JOIN cells c ON c.cell_id = p.cell_id
)
SELECT
    b.meter, b.resource, b.currency, b.consumed_unit, b.effective_cost, b.consumed_quantity,
    CAST(sum(u.quantity) AS DECIMAL(38, 12)) AS measured_quantity,
    CAST(sum(u.quantity) FILTER (WHERE u.amount IS NOT NULL) AS DECIMAL(38, 12)) AS priced_quantity,
    sum(u.amount) AS listed_cost
FROM billed b
LEFT JOIN used u
    ON u.kind = 'cost' AND u.superseded AND u.meter = b.meter AND (b.resource IS NULL OR u.resource = b.resource)
    AND u.window_start >= b.period_start AND u.window_start < b.period_end
GROUP BY b.meter, b.resource, b.currency, b.consumed_unit, b.effective_cost, b.consumed_quantity
ORDER BY b.meter, b.resource, b.consumed_unit
