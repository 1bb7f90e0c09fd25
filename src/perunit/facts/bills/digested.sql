-- The bills a file holds, each with a digest of its lines as they came.
-- Grain: one row a bill (source, account, currency, billing period) found in `bill_lines`.
-- Inputs: bill_lines (temporary, typed). Window: the billing periods of the file.
-- The digest does not depend on the order of the lines: it sums two 64-bit halves of every line's MD5.
WITH hashed AS (
    SELECT
        bill_source, billing_account_id, billing_currency, billing_period_start, billing_period_end,
        billed_cost, effective_cost, md5(CAST(row(
            billed_cost, effective_cost, list_cost, contracted_cost, billing_currency,
            billing_account_id, billing_account_name, charge_period_start, charge_period_end,
            charge_category, charge_class, charge_frequency, charge_description, service_category,
            service_name, provider_name, publisher_name, invoice_issuer_name, invoice_id,
            sub_account_id, sub_account_name, region_id, region_name, resource_id, resource_name,
            resource_type, sku_id, sku_price_id, pricing_category, pricing_quantity, pricing_unit,
            consumed_quantity, consumed_unit, commitment_discount_id, commitment_discount_type,
            commitment_discount_status, tags, allocated_method_id, allocated_method_details,
            allocated_resource_id, allocated_resource_name, allocated_tags, allocated_part
        ) AS VARCHAR)) AS line_digest
    FROM bill_lines
),
halved AS (
    SELECT *, CAST('0x' || substr(line_digest, 1, 16) AS UBIGINT) AS high, CAST('0x' || substr(line_digest, 17) AS UBIGINT) AS low
    FROM hashed
)
SELECT
    bill_source, billing_account_id, billing_currency, billing_period_start, billing_period_end,
    count(*) AS lines, CAST(sum(billed_cost) AS DECIMAL(38, 18)) AS billed_cost,
    CAST(sum(effective_cost) AS DECIMAL(38, 18)) AS effective_cost,
    md5(count(*) || ':' || sum(high) || ':' || sum(low)) AS digest
FROM halved
GROUP BY ALL
