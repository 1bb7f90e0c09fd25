-- rate_card. Grain: cell × meter × resource named by a rate × period × kind. Inputs: card_keys, card_candidates,
-- price_periods. Of the rates that apply, the one with the most conditions decides; `check` has refused ties.
SELECT cell_id, meter, resource, period_start, period_end, kind, rate_id, unit_price, currency
FROM (
    SELECT
        k.cell_id, k.meter, k.resource, p.period_start, p.period_end, k.kind, k.rate_id, k.unit_price, k.currency,
        row_number() OVER (
            PARTITION BY k.cell_id, k.meter, k.resource, p.period_start, k.kind
            ORDER BY k.conditions_held DESC, k.rate_id) AS place
    FROM card_candidates k
    JOIN price_periods p
      ON p.period_start >= k.effective_from AND (k.effective_to IS NULL OR p.period_start < k.effective_to)
)
WHERE place = 1
