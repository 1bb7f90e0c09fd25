-- Which lines a pool holds.
-- Grain: one row a charge of a bill in force. Inputs: allocation_lines. Window: none.
SELECT bill_id, pool_id, line
FROM allocation_lines
