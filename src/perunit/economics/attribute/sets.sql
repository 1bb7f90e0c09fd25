-- What the weights of a set come to, and why it cannot be split by, where it cannot.
-- Grain: set. Inputs: allocation_weights. Window: none.
-- A weight below zero counts as zero: a cell that took money back bears nothing and gains nothing.
SELECT
    set_id, CAST(sum(greatest(weight, 0)) AS HUGEINT) AS total, CAST(sum(weight) AS HUGEINT) AS net,
    count(DISTINCT CASE WHEN weight <> 0 THEN currency END) AS currencies
FROM allocation_weights
GROUP BY set_id
