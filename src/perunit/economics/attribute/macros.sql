-- How an amount is split, in one place. No table; used by every file that splits.
-- quanta: an amount as a whole number of 10^-18, so that it can be split exactly; nano: a quantity, of 10^-9.
-- quanta_upto: what the first `upto` of `whole` weights bear of an amount of quanta: floor(A·upto / whole), negated for
-- a credit. A part is the difference of two of these, so the parts of all weights sum to A. No product overflows while
-- `whole` has at most 18 digits: A = q·whole + r, and floor(A·w / whole) = q·w + floor(r·w / whole).
-- weighed: quanta of a sample times the weight of its cell, at 9 places of it; what is unweighted counts as it is.
-- divisor_of: what to divide weights by so that their whole has 18 digits.
CREATE OR REPLACE TEMP MACRO quanta(amount) AS
    CAST(floor(amount) AS HUGEINT) * 1000000000000000000
    + CAST((amount - floor(amount)) * 1000000000000000000 AS HUGEINT);
CREATE OR REPLACE TEMP MACRO nano(quantity) AS
    CAST(floor(quantity) AS HUGEINT) * 1000000000 + CAST((quantity - floor(quantity)) * 1000000000 AS HUGEINT);
CREATE OR REPLACE TEMP MACRO cost_of(quanta) AS
    CAST(quanta AS DECIMAL(38, 0)) * CAST(0.000000000000000001 AS DECIMAL(18, 18));
CREATE OR REPLACE TEMP MACRO divisor_of(whole) AS
    CAST('1' || repeat('0', greatest(length(CAST(whole AS VARCHAR)) - 18, 0)) AS HUGEINT);
CREATE OR REPLACE TEMP MACRO quanta_upto(amount, upto, whole) AS
    CASE WHEN amount < 0 THEN -1 ELSE 1 END
    * (abs(amount) // whole * upto + abs(amount) % whole * upto // whole);
CREATE OR REPLACE TEMP MACRO weighed(quanta, weight) AS
    CASE WHEN coalesce(weight, 1) = 1 THEN quanta
        ELSE quanta // 1000000000 * nano(weight) + quanta % 1000000000 * nano(weight) // 1000000000 END;
CREATE OR REPLACE TEMP MACRO weighed_amount(amount, weight) AS
    CASE WHEN coalesce(weight, 1) = 1 THEN CAST(amount AS DECIMAL(38, 24))
        ELSE CAST(cost_of(weighed(quanta(CAST(amount AS DECIMAL(38, 18))), weight)) AS DECIMAL(38, 24)) END;
CREATE OR REPLACE TEMP MACRO weighed_quantity(quantity, weight) AS
    CASE WHEN coalesce(weight, 1) = 1 THEN CAST(quantity AS DECIMAL(38, 12))
        ELSE CAST(CAST(weighed(nano(quantity), weight) AS DECIMAL(38, 0)) * CAST(0.000000001 AS DECIMAL(9, 9))
            AS DECIMAL(38, 12)) END;
