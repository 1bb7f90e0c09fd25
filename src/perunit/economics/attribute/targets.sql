-- Who bears a part, in the one order that does not depend on arrival.
-- Grain: set × day × cell. Inputs: allocation_weights, cells. Window: none.
-- The part of a target is what its weights end at (upto) less what they start at (before), in the running sum.
WITH borne AS (
    SELECT set_id, day, cell_id, CAST(sum(weight) AS HUGEINT) AS weight
    FROM allocation_weights
    WHERE weight > 0
    GROUP BY set_id, day, cell_id
)
SELECT
    b.set_id, b.day, b.cell_id, b.weight,
    CAST(sum(b.weight) OVER (
        PARTITION BY b.set_id ORDER BY b.day, c.cell_hash, b.cell_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS HUGEINT) AS upto
FROM borne AS b
INNER JOIN cells AS c ON c.cell_id = b.cell_id
