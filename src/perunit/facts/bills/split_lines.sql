-- The lines of a bill after the split: a split line is replaced by its parts, all others stay.
-- Grain: one row a line. Inputs: bill_lines, split_shares (both temporary). Window: the charge periods of the bill.
-- Of A quanta and running weights w of a whole W, a part has floor(A·w_end / W) - floor(A·w_start / W), so the parts
-- of a line sum to it in every amount and quantity; floor(A·w / W) = q·w + floor(r·w / W) with A = q·W + r.
WITH numbered AS (
    SELECT rowid AS place, * FROM bill_lines
),
split AS (
    SELECT
        n.* EXCLUDE (
            allocated_method_id, allocated_method_details, allocated_resource_id, allocated_resource_name,
            allocated_tags, allocated_part
        ),
        s.place AS part_place, s.part AS allocated_part, s.allocated_resource_id, s.allocated_resource_name,
        s.allocated_tags, 'AWS split cost allocation' AS allocated_method_id,
        '{"' || s.part || '_cost":' || CAST(s.stated_cost AS VARCHAR) || '}' AS allocated_method_details,
        s.w_start, s.w_end, s.whole
    FROM numbered AS n
    INNER JOIN split_shares AS s
        ON s.split_parent_id = n.resource_id AND s.charge_period_start = n.charge_period_start
        AND s.charge_period_end = n.charge_period_end AND s.billing_account_id = n.billing_account_id
        AND s.billing_currency = n.billing_currency AND s.billing_period_start = n.billing_period_start
    WHERE n.split_parent_id IS NULL
        AND (
            n.split_usage IS NULL
            OR regexp_matches(n.split_usage, '(Box|Spot|Dedicated|Host|Sched)[A-Za-z]*Usage|Usage:Box')
        )
),
quanta AS (
    SELECT
        *, CAST(floor(abs(billed_cost)) AS HUGEINT) * 1000000000000000000
        + CAST((abs(billed_cost) - floor(abs(billed_cost))) * 1000000000000000000 AS HUGEINT) AS billed_cost_quanta,
        CAST(floor(abs(effective_cost)) AS HUGEINT) * 1000000000000000000
        + CAST((abs(effective_cost) - floor(abs(effective_cost))) * 1000000000000000000 AS HUGEINT) AS effective_cost_quanta,
        CAST(floor(abs(list_cost)) AS HUGEINT) * 1000000000000000000
        + CAST((abs(list_cost) - floor(abs(list_cost))) * 1000000000000000000 AS HUGEINT) AS list_cost_quanta,
        CAST(floor(abs(contracted_cost)) AS HUGEINT) * 1000000000000000000
        + CAST((abs(contracted_cost) - floor(abs(contracted_cost))) * 1000000000000000000 AS HUGEINT) AS contracted_cost_quanta,
        CAST(floor(abs(pricing_quantity)) AS HUGEINT) * 1000000000000
        + CAST((abs(pricing_quantity) - floor(abs(pricing_quantity))) * 1000000000000 AS HUGEINT) AS pricing_quantity_quanta,
        CAST(floor(abs(consumed_quantity)) AS HUGEINT) * 1000000000000
        + CAST((abs(consumed_quantity) - floor(abs(consumed_quantity))) * 1000000000000 AS HUGEINT) AS consumed_quantity_quanta
    FROM split
),
parts AS (
    SELECT
        *, CASE WHEN billed_cost < 0 THEN -1 ELSE 1 END * (
            (billed_cost_quanta // whole) * w_end + ((billed_cost_quanta % whole) * w_end) // whole
            - (billed_cost_quanta // whole) * w_start - ((billed_cost_quanta % whole) * w_start) // whole
        ) AS billed_cost_part,
        CASE WHEN effective_cost < 0 THEN -1 ELSE 1 END * (
            (effective_cost_quanta // whole) * w_end + ((effective_cost_quanta % whole) * w_end) // whole
            - (effective_cost_quanta // whole) * w_start - ((effective_cost_quanta % whole) * w_start) // whole
        ) AS effective_cost_part,
        CASE WHEN list_cost < 0 THEN -1 ELSE 1 END * (
            (list_cost_quanta // whole) * w_end + ((list_cost_quanta % whole) * w_end) // whole
            - (list_cost_quanta // whole) * w_start - ((list_cost_quanta % whole) * w_start) // whole
        ) AS list_cost_part,
        CASE WHEN contracted_cost < 0 THEN -1 ELSE 1 END * (
            (contracted_cost_quanta // whole) * w_end + ((contracted_cost_quanta % whole) * w_end) // whole
            - (contracted_cost_quanta // whole) * w_start - ((contracted_cost_quanta % whole) * w_start) // whole
        ) AS contracted_cost_part,
        CASE WHEN pricing_quantity < 0 THEN -1 ELSE 1 END * (
            (pricing_quantity_quanta // whole) * w_end + ((pricing_quantity_quanta % whole) * w_end) // whole
            - (pricing_quantity_quanta // whole) * w_start - ((pricing_quantity_quanta % whole) * w_start) // whole
        ) AS pricing_quantity_part,
        CASE WHEN consumed_quantity < 0 THEN -1 ELSE 1 END * (
            (consumed_quantity_quanta // whole) * w_end + ((consumed_quantity_quanta % whole) * w_end) // whole
            - (consumed_quantity_quanta // whole) * w_start - ((consumed_quantity_quanta % whole) * w_start) // whole
        ) AS consumed_quantity_part
    FROM quanta
),
priced AS (
    SELECT
        * EXCLUDE (w_start, w_end, whole, billed_cost, effective_cost, list_cost, contracted_cost, pricing_quantity, consumed_quantity, billed_cost_quanta, effective_cost_quanta, list_cost_quanta, contracted_cost_quanta, pricing_quantity_quanta, consumed_quantity_quanta, billed_cost_part, effective_cost_part, list_cost_part, contracted_cost_part, pricing_quantity_part, consumed_quantity_part),
        CAST(CAST(billed_cost_part AS DECIMAL(38, 0)) * 0.000000000000000001 AS DECIMAL(38, 18)) AS billed_cost,
        CAST(CAST(effective_cost_part AS DECIMAL(38, 0)) * 0.000000000000000001 AS DECIMAL(38, 18)) AS effective_cost,
        CAST(CAST(list_cost_part AS DECIMAL(38, 0)) * 0.000000000000000001 AS DECIMAL(38, 18)) AS list_cost,
        CAST(CAST(contracted_cost_part AS DECIMAL(38, 0)) * 0.000000000000000001 AS DECIMAL(38, 18)) AS contracted_cost,
        CAST(CAST(pricing_quantity_part AS DECIMAL(38, 0)) * 0.000000000001 AS DECIMAL(38, 12)) AS pricing_quantity,
        CAST(CAST(consumed_quantity_part AS DECIMAL(38, 0)) * 0.000000000001 AS DECIMAL(38, 12)) AS consumed_quantity
    FROM parts
),
kept AS (
    SELECT *, 0 AS part_place
    FROM numbered
    WHERE place NOT IN (SELECT place FROM split_shares) AND place NOT IN (SELECT place FROM split)
),
together AS (
    SELECT * FROM kept
    UNION ALL BY NAME
    SELECT * FROM priced
)
SELECT * EXCLUDE (place, part_place)
FROM together
ORDER BY place, part_place, allocated_part DESC
