"""The columns of a charge that an allocation rule may look at: FOCUS names as the store keeps them."""

from __future__ import annotations

__all__ = ["FOCUS_COLUMNS", "FOCUS_MAPS"]

# The columns whose parts are named in brackets: tags['team'].
FOCUS_MAPS = frozenset({"tags", "allocated_tags"})

FOCUS_COLUMNS = (
    *("billed_cost", "effective_cost", "list_cost", "contracted_cost", "billing_currency"),
    *("charge_period_start", "charge_period_end", "charge_category", "charge_class", "charge_frequency"),
    *("charge_description", "service_category", "service_name", "provider_name", "publisher_name"),
    *("invoice_issuer_name", "invoice_id", "billing_account_id", "billing_account_name", "sub_account_id"),
    *("sub_account_name", "region_id", "region_name", "resource_id", "resource_name", "resource_type"),
    *("sku_id", "sku_price_id", "pricing_category", "pricing_quantity", "pricing_unit", "consumed_quantity"),
    *("consumed_unit", "commitment_discount_id", "commitment_discount_type", "commitment_discount_status", "tags"),
    *("allocated_method_id", "allocated_method_details", "allocated_resource_id", "allocated_resource_name"),
    *("allocated_tags", "allocated_part"),
)
