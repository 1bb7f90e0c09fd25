-- The lines of the new bills.
-- Grain: one row a line. Inputs: bill_lines, bill_found (both temporary). Window: the billing periods of the file.
SELECT
    bill_found.bill_id, bill_lines.rowid + 1 AS line,
    bill_lines.billed_cost, bill_lines.effective_cost, bill_lines.list_cost, bill_lines.contracted_cost,
    bill_lines.billing_currency, bill_lines.billing_account_id, bill_lines.billing_account_name,
    bill_lines.charge_period_start, bill_lines.charge_period_end, bill_lines.charge_category,
    bill_lines.charge_class, bill_lines.charge_frequency, bill_lines.charge_description,
    bill_lines.service_category, bill_lines.service_name, bill_lines.provider_name,
    bill_lines.publisher_name, bill_lines.invoice_issuer_name, bill_lines.invoice_id,
    bill_lines.sub_account_id, bill_lines.sub_account_name, bill_lines.region_id, bill_lines.region_name,
    bill_lines.resource_id, bill_lines.resource_name, bill_lines.resource_type, bill_lines.sku_id,
    bill_lines.sku_price_id, bill_lines.pricing_category, bill_lines.pricing_quantity,
    bill_lines.pricing_unit, bill_lines.consumed_quantity, bill_lines.consumed_unit,
    bill_lines.commitment_discount_id, bill_lines.commitment_discount_type,
    bill_lines.commitment_discount_status, bill_lines.tags, bill_lines.allocated_method_id,
    bill_lines.allocated_method_details, bill_lines.allocated_resource_id, bill_lines.allocated_resource_name,
    bill_lines.allocated_tags, bill_lines.allocated_part
FROM bill_lines
INNER JOIN bill_found
    ON bill_found.bill_source = bill_lines.bill_source
    AND bill_found.billing_account_id = bill_lines.billing_account_id
    AND bill_found.billing_currency = bill_lines.billing_currency
    AND bill_found.billing_period_start = bill_lines.billing_period_start
    AND bill_found.billing_period_end = bill_lines.billing_period_end
WHERE bill_found.is_new
