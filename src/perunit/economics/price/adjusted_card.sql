-- rate_card with adjusted rates. Grain: that of rate_card. Inputs: rate_card, rate_adjustments, rates.
SELECT
    k.cell_id, k.meter, k.resource, k.period_start, k.period_end, k.kind,
    coalesce(r.rate_id, k.rate_id) AS rate_id, coalesce(r.unit_price, k.unit_price) AS unit_price, k.currency
FROM rate_card k
LEFT JOIN rate_adjustments a
  ON a.cell_id = k.cell_id AND a.meter = k.meter AND a.resource IS NOT DISTINCT FROM k.resource
 AND a.period_start = k.period_start AND a.kind = k.kind
LEFT JOIN rates r ON r.rate_id = concat_ws(' × ', k.rate_id, array_to_string(a.adjustments, ' × '))
    AND a.adjustments IS NOT NULL
