"""Reads native billing exports in FOCUS terms. Enters: the column names of a file. Leaves: SQL text of every field.

A format is found out by its columns. Each field is an expression over the columns of the file, every one of them
text; what a format does not say is null. No line is dropped, so the sum of a file's own cost column is kept.
Amounts with more than 18 places, which a float left behind, are rounded there; nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003 - the dataclass names it
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.engine.duckdb import literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["NATIVE", "NativeFormat", "native_of", "resembles"]

_NULL = "CAST(NULL AS VARCHAR)"
_ZERO = "'0'"
_DECIMAL = "DECIMAL(38, 18)"


class _Columns:
    """The columns of one file: the text of the first one there of several names, null where there is none."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns

    def __call__(self, *names: str) -> str:
        found = [f"nullif(trim({self._columns[name]}), '')" for name in names if name in self._columns]
        return f"coalesce({', '.join(found)})" if found else _NULL

    def below(self, *prefixes: str) -> list[tuple[str, str]]:
        """(rest of the name, text) of the columns that start with a prefix, in the order of the prefixes."""
        return [
            (name.removeprefix(prefix), f"nullif(trim({text}), '')")
            for prefix in prefixes
            for name, text in self._columns.items()
            if name.startswith(prefix)
        ]


@dataclass(frozen=True, slots=True)
class NativeFormat:
    """One provider's export. `signatures`: sets of (lower-case) columns, any of which tells the format; `mark` is
    the column that no other export has.
    """

    name: str
    title: str
    mark: str
    signatures: tuple[frozenset[str], ...]
    fields: Callable[[_Columns], dict[str, str]]

    def read(self, names: Sequence[str], column: Callable[[int], str]) -> dict[str, str]:
        """FOCUS field name (as the store has it) → SQL text; `column` gives the SQL of the column at a place."""
        places = {_plain(name): column(place) for place, name in reversed(list(enumerate(names)))}
        fields = self.fields(_Columns(dict(reversed(places.items()))))
        return {name: _cut(text) if name.endswith("_cost") else text for name, text in fields.items()}


_LONG = r"[+-]?[0-9]{1,13}\.[0-9]{19,40}|[+-]?[0-9](\.[0-9]{1,30})?[eE]-[0-9]{1,2}"


def _cut(text: str) -> str:
    """An amount as written, at most to 18 places."""
    cut = f"CAST(TRY_CAST({text} AS {_DECIMAL}) AS VARCHAR)"
    return f"CASE WHEN regexp_full_match({text}, {literal(_LONG)}) THEN {cut} ELSE {text} END"


def native_of(names: Sequence[str]) -> NativeFormat | None:
    """The format whose columns these are.

    >>> native_of(["lineItem/UnblendedCost", "lineItem/LineItemType", "bill/PayerAccountId"]).name
    'aws-cur'
    """
    columns = {_plain(name) for name in names}
    return next((each for each in NATIVE if any(signature <= columns for signature in each.signatures)), None)


def resembles(names: Sequence[str]) -> str | None:
    """What a file that is not complete looks like, and which of its columns are missing."""
    columns = {_plain(name) for name in names}
    for each in NATIVE:
        if each.mark in columns:
            missing = min((sorted(signature - columns) for signature in each.signatures), key=len)
            return f"{each.title} without {', '.join(missing)}"
    return None


def _plain(name: str) -> str:
    """A column's name in lower case; of a translated header the original, which stands in brackets behind it.

    >>> _plain("Kategorie der Verbrauchseinheit (MeterCategory)")
    'metercategory'
    """
    translated = re.fullmatch(r".*\((\w+)\)\s*", name)
    name = translated.group(1) if translated else name
    # Tags keep their case: they are the customer's words.
    head, slash, rest = name.strip().partition("/")
    if slash and head.lower() in {"resourcetags", "tags"}:
        return f"{head.lower()}/{rest}"
    return name.strip().lower()


def _amount(text: str) -> str:
    return f"coalesce(TRY_CAST({text} AS {_DECIMAL}), 0)"


def _text(expression: str) -> str:
    return f"CAST({expression} AS VARCHAR)"


def _case(subject: str, cases: Mapping[str, str], otherwise: str) -> str:
    """`subject` compared with words; an unknown word is answered by `otherwise`."""
    whens = " ".join(f"WHEN {literal(word)} THEN {answer}" for word, answer in cases.items())
    return f"CASE {subject} {whens} ELSE {otherwise} END"


def _words(subject: str, words: Mapping[str, str], otherwise: str) -> str:
    return _case(subject, {word: literal(answer) for word, answer in words.items()}, otherwise)


def _instant(text: str) -> str:
    """An ISO time or an American date as a TIMESTAMP in UTC; null where it is neither."""
    american = f"TRY_STRPTIME({text}, ['%m/%d/%Y', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M'])"
    zoned = f"TRY_CAST(replace({text}, ' UTC', 'Z') AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
    return f"CASE WHEN contains({text}, '/') THEN {american} ELSE {zoned} END"


def _written(instant: str) -> str:
    return f"strftime({instant}, '%Y-%m-%dT%H:%M:%SZ')"


def _month_start(instant: str) -> str:
    return f"CAST(date_trunc('month', {instant}) AS TIMESTAMP)"


def _tags(pairs: Sequence[tuple[str, str]]) -> str:
    """A JSON object of the columns that have a value, null without any."""
    if not pairs:
        return _NULL
    entries = ", ".join(f"{{'key': {literal(key)}, 'value': {text}}}" for key, text in pairs)
    filled = f"list_filter([{entries}], lambda tag: tag.value IS NOT NULL)"
    if len({key for key, _ in pairs}) < len(pairs):
        # Two columns may have one tag's name; the first one that is filled counts.
        keys = f"list_transform({filled}, lambda tag: tag.key)"
        filled = f"list_filter({filled}, lambda tag, place: list_position({keys}, tag.key) = place)"
    any_filled = f"coalesce({', '.join(text for _, text in pairs)}) IS NOT NULL"
    return f"CASE WHEN {any_filled} THEN CAST(to_json(map_from_entries({filled})) AS VARCHAR) END"


# AWS. https://docs.aws.amazon.com/cur/latest/userguide/ says what each line item type means and how a commitment's
# cost is amortised: what a fee bought and nobody used is its own effective cost, the rest is on the usage it covered.
_AWS_CATEGORIES = {
    "Usage": "Usage",
    "DiscountedUsage": "Usage",
    "SavingsPlanCoveredUsage": "Usage",
    "SavingsPlanNegation": "Usage",
    "SavingsPlanUpfrontFee": "Purchase",
    "SavingsPlanRecurringFee": "Purchase",
    "RIFee": "Purchase",
    "Fee": "Purchase",
    "Tax": "Tax",
    "Credit": "Credit",
    "Refund": "Credit",
    "Discount": "Credit",
    "BundledDiscount": "Credit",
    "EdpDiscount": "Credit",
    "SppDiscount": "Credit",
    "RiVolumeDiscount": "Credit",
    "PrivateRateDiscount": "Credit",
}


def _aws(get: Callable[..., str], tags: str) -> dict[str, str]:
    """`get` takes the words of CUR 2.0 (`line_item_unblended_cost`), which legacy columns are given too."""
    kind = get("line_item_line_item_type")
    parent = get("split_line_item_parent_resource_id")
    # A split row has no cost of its own.
    billed = f"coalesce({get('line_item_unblended_cost')}, CASE WHEN {parent} IS NOT NULL THEN {_ZERO} END)"
    reservation = get("reservation_reservation_a_r_n", "reservation_reservation_arn")
    plan = get("savings_plan_savings_plan_a_r_n", "savings_plan_savings_plan_arn")
    unused_reservation = (
        f"{_amount(get('reservation_unused_amortized_upfront_fee_for_billing_period'))} "
        f"+ {_amount(get('reservation_unused_recurring_fee'))}"
    )
    unused_plan = (
        f"{_amount(get('savings_plan_total_commitment_to_date'))} - {_amount(get('savings_plan_used_commitment'))}"
    )
    effective = _case(
        kind,
        {
            "DiscountedUsage": get("reservation_effective_cost"),
            "SavingsPlanCoveredUsage": get("savings_plan_savings_plan_effective_cost"),
            "SavingsPlanNegation": _ZERO,
            "SavingsPlanUpfrontFee": _ZERO,
            "SavingsPlanRecurringFee": _text(unused_plan),
            "RIFee": _text(unused_reservation),
            "Fee": f"CASE WHEN {reservation} IS NULL THEN {billed} ELSE {_ZERO} END",
        },
        billed,
    )
    start, end = get("line_item_usage_start_date"), get("line_item_usage_end_date")
    period_end = _instant(get("bill_billing_period_end_date"))
    return {
        "billed_cost": billed,
        "effective_cost": effective,
        "list_cost": get("pricing_public_on_demand_cost"),
        "billing_currency": get("line_item_currency_code"),
        "billing_account_id": get("bill_payer_account_id"),
        "billing_account_name": get("bill_payer_account_name"),
        "billing_period_start": get("bill_billing_period_start_date"),
        # Some exports write the last second instead of the end.
        "billing_period_end": _written(
            f"CASE WHEN date_part('second', {period_end}) = 59 THEN {period_end} + INTERVAL 1 SECOND "
            f"ELSE {period_end} END"
        ),
        "charge_period_start": start,
        # A fee is of an instant; a period has a length.
        "charge_period_end": f"CASE WHEN {end} = {start} THEN {_written(f'{_instant(start)} + INTERVAL 1 SECOND')} "
        f"ELSE {end} END",
        "charge_category": _words(kind, _AWS_CATEGORIES, kind),
        "charge_class": f"CASE WHEN {kind} = 'Refund' THEN 'Correction' END",
        "charge_description": get("line_item_line_item_description"),
        "service_name": get("product_product_name", "line_item_product_code"),
        "provider_name": literal("AWS"),
        "publisher_name": get("line_item_legal_entity"),
        "invoice_issuer_name": literal("AWS"),
        "invoice_id": get("bill_invoice_id"),
        "sub_account_id": get("line_item_usage_account_id"),
        "sub_account_name": get("line_item_usage_account_name"),
        "region_id": get("product_region_code", "product_region"),
        "resource_id": get("line_item_resource_id"),
        "sku_id": get("product_sku"),
        "sku_price_id": get("pricing_rate_code"),
        "pricing_quantity": get("line_item_usage_amount"),
        "pricing_unit": get("pricing_unit"),
        "consumed_quantity": get("line_item_usage_amount"),
        "consumed_unit": get("pricing_unit"),
        "commitment_discount_id": f"coalesce({plan}, {reservation})",
        "commitment_discount_type": f"CASE WHEN {plan} IS NOT NULL THEN 'Savings Plan' "
        f"WHEN {reservation} IS NOT NULL THEN 'Reserved Instance' END",
        "commitment_discount_status": _words(
            kind,
            {
                "DiscountedUsage": "Used",
                "SavingsPlanCoveredUsage": "Used",
                "RIFee": "Unused",
                "SavingsPlanRecurringFee": "Unused",
            },
            "NULL",
        ),
        "tags": tags,
        "split_parent_id": parent,
        "split_cost": get("split_line_item_split_cost"),
        "unused_cost": get("split_line_item_unused_cost"),
        "split_usage": get("line_item_usage_type"),
    }


def _cur(columns: _Columns) -> dict[str, str]:
    """Legacy columns are compared without underscores and slashes, as their case is lost."""

    def get(*names: str) -> str:
        return columns(*(known for name in names for known in _LEGACY.get(name.replace("_", ""), ())))

    pairs = columns.below("resourcetags/user:") + [
        (f"aws:{rest}", text) for rest, text in columns.below("resourcetags/aws:")
    ]
    return _aws(get, _tags(pairs))


_LEGACY_COLUMNS = (
    *("bill/billingperiodstartdate", "bill/billingperiodenddate", "bill/invoiceid", "bill/payeraccountid"),
    *("bill/payeraccountname", "lineitem/lineitemtype", "lineitem/unblendedcost", "lineitem/currencycode"),
    *("lineitem/usagestartdate", "lineitem/usageenddate", "lineitem/lineitemdescription", "lineitem/productcode"),
    *("lineitem/legalentity", "lineitem/usageaccountid", "lineitem/usageaccountname", "lineitem/resourceid"),
    *("lineitem/usageamount", "pricing/publicondemandcost", "pricing/ratecode", "pricing/unit"),
    *("product/productname", "product/regioncode", "product/region", "product/sku", "reservation/effectivecost"),
    *("reservation/reservationarn", "reservation/unusedamortizedupfrontfeeforbillingperiod"),
    *("reservation/unusedrecurringfee", "savingsplan/savingsplanarn", "savingsplan/savingsplaneffectivecost"),
    *("savingsplan/totalcommitmenttodate", "savingsplan/usedcommitment", "lineitem/usagetype"),
    *("splitlineitem/parentresourceid", "splitlineitem/splitcost", "splitlineitem/unusedcost"),
)
_LEGACY = {name.replace("/", ""): (name,) for name in _LEGACY_COLUMNS}


def _cur2(columns: _Columns) -> dict[str, str]:
    # The keys of the map begin with user_; a quote within a value is escaped, so only keys are met.
    tags = columns("resource_tags", "tags")
    return _aws(columns, f"regexp_replace({tags}, '([{{,]\\s*\")user_', '\\1', 'g')")


# Azure Cost Management: EA, MCA and pay-as-you-go, actual or amortised.
_AZURE_CATEGORIES = {
    "usage": "Usage",
    "purchase": "Purchase",
    "tax": "Tax",
    "refund": "Credit",
    "credit": "Credit",
    "unusedreservation": "Usage",
    "unusedsavingsplan": "Usage",
    "roundingadjustment": "Adjustment",
}


def _azure(get: _Columns) -> dict[str, str]:
    cost = get("costinbillingcurrency", "cost", "pretaxcost")
    kind = f"coalesce(lower({get('chargetype')}), 'usage')"
    model = f"coalesce(lower({get('pricingmodel')}), '')"
    # Covered usage is billed by its purchase: what an amortised file says of it is effective cost alone.
    committed = f"{model} IN ('reservation', 'savingsplan')"
    day = _instant(get("date", "usagedatetime", "usagedate"))
    starts, ends = _instant(get("billingperiodstartdate")), _instant(get("billingperiodenddate"))
    currency = get("billingcurrencycode", "billingcurrency", "currency")
    benefit = get("benefitid", "reservationid", "productorderid")
    return {
        "billed_cost": f"CASE WHEN {committed} AND {kind} <> 'purchase' AND {cost} IS NOT NULL THEN '0' "
        f"ELSE {cost} END",
        "effective_cost": f"CASE WHEN {committed} AND {kind} = 'purchase' AND {cost} IS NOT NULL THEN '0' "
        f"ELSE {cost} END",
        "billing_currency": currency,
        "billing_account_id": get("billingaccountid", "customertenantid", "subscriptionguid", "subscriptionid"),
        "billing_account_name": get("billingaccountname"),
        "billing_period_start": _written(f"coalesce({starts}, {_month_start(day)})"),
        # The last day of the period is written, not the one after it.
        "billing_period_end": _written(f"coalesce({ends} + INTERVAL 1 DAY, {_month_start(day)} + INTERVAL 1 MONTH)"),
        "charge_period_start": _written(day),
        "charge_period_end": _written(f"{day} + INTERVAL 1 DAY"),
        "charge_category": _words(kind, _AZURE_CATEGORIES, get("chargetype")),
        "charge_class": f"CASE WHEN {kind} = 'refund' THEN 'Correction' END",
        "charge_frequency": _words(
            f"lower({get('frequency')})",
            {"onetime": "One-Time", "recurring": "Recurring", "usagebased": "Usage-Based"},
            "NULL",
        ),
        "charge_description": get("product", "productname", "metername"),
        "service_name": get("metercategory", "servicename", "consumedservice"),
        "provider_name": literal("Microsoft"),
        "publisher_name": get("publishername"),
        "invoice_issuer_name": literal("Microsoft"),
        "invoice_id": get("invoiceid"),
        "sub_account_id": get("subscriptionid", "subscriptionguid"),
        "sub_account_name": get("subscriptionname"),
        "region_id": get("resourcelocation", "meterregion"),
        "resource_id": get("resourceid", "instanceid", "instancename"),
        "resource_name": get("resourcename"),
        "resource_type": get("resourcetype"),
        "sku_id": get("meterid"),
        "pricing_quantity": get("quantity", "usagequantity"),
        "pricing_unit": get("unitofmeasure"),
        "consumed_quantity": get("quantity", "usagequantity"),
        "consumed_unit": get("unitofmeasure"),
        "commitment_discount_id": f"CASE WHEN {committed} THEN {benefit} END",
        "commitment_discount_type": _words(
            model, {"reservation": "Reservation", "savingsplan": "Savings Plan"}, "NULL"
        ),
        "commitment_discount_status": f"CASE WHEN {kind} IN ('unusedreservation', 'unusedsavingsplan') THEN 'Unused' "
        f"WHEN {committed} AND {kind} = 'usage' THEN 'Used' END",
        "tags": get("tags"),
    }


# Google Cloud: the BigQuery export (standard and detailed) as CSV with dotted names, or as JSON rows.
_GOOGLE_CATEGORIES = {"regular": "Usage", "tax": "Tax", "adjustment": "Adjustment", "rounding_error": "Adjustment"}


def _google(get: _Columns) -> dict[str, str]:
    amounts = f'from_json({get("credits")}, \'[{{"amount": "VARCHAR"}}]\')'
    credits_sum = f"coalesce(list_sum(list_transform({amounts}, lambda c: CAST(c.amount AS {_DECIMAL}))), 0)"
    cost = get("cost")
    net = (
        f"CASE WHEN {get('credits')} IS NULL THEN {cost} "
        f"ELSE {_text(f'TRY_CAST({cost} AS {_DECIMAL}) + CAST({credits_sum} AS {_DECIMAL})')} END"
    )
    kind = f"coalesce(lower({get('cost_type')}), 'regular')"
    start = get("usage_start_time")
    stated = f"CAST(TRY_STRPTIME({get('invoice.month')}, '%Y%m') AS TIMESTAMP)"
    month = f"coalesce({stated}, {_month_start(_instant(start))})"
    labels = f'from_json({get("labels")}, \'[{{"key": "VARCHAR", "value": "VARCHAR"}}]\')'
    return {
        "billed_cost": net,
        "effective_cost": net,
        "list_cost": get("cost_at_list"),
        "contracted_cost": cost,
        "billing_currency": get("currency"),
        "billing_account_id": get("billing_account_id"),
        "billing_period_start": _written(month),
        "billing_period_end": _written(f"{month} + INTERVAL 1 MONTH"),
        "charge_period_start": start,
        "charge_period_end": get("usage_end_time"),
        "charge_category": _words(kind, _GOOGLE_CATEGORIES, get("cost_type")),
        "charge_class": f"CASE WHEN {kind} = 'adjustment' THEN 'Correction' END",
        "charge_description": get("sku.description"),
        "service_name": get("service.description", "service.id"),
        "provider_name": literal("Google Cloud"),
        "publisher_name": literal("Google Cloud"),
        "invoice_issuer_name": literal("Google Cloud"),
        "invoice_id": get("invoice.month"),
        "sub_account_id": get("project.id"),
        "sub_account_name": get("project.name"),
        "region_id": get("location.region"),
        "resource_id": get("resource.global_name", "resource.name"),
        "resource_name": get("resource.name"),
        "sku_id": get("sku.id"),
        "pricing_quantity": get("usage.amount_in_pricing_units"),
        "pricing_unit": get("usage.pricing_unit"),
        "consumed_quantity": get("usage.amount"),
        "consumed_unit": get("usage.unit"),
        "tags": f"CASE WHEN {get('labels')} IS NOT NULL THEN "
        f"CAST(to_json(map_from_entries(list_transform({labels}, lambda l: (l.key, l.value)))) AS VARCHAR) END",
    }


def _oracle(get: _Columns) -> dict[str, str]:
    """The OCI cost report; a bill is a calendar month of a tenancy."""
    start = get("lineitem/intervalusagestart")
    month = _month_start(_instant(start))
    cost = get("cost/mycost")
    return {
        "billed_cost": cost,
        "effective_cost": cost,
        "billing_currency": get("cost/currencycode"),
        "billing_account_id": get("lineitem/tenantid"),
        "billing_period_start": _written(month),
        "billing_period_end": _written(f"{month} + INTERVAL 1 MONTH"),
        "charge_period_start": start,
        "charge_period_end": get("lineitem/intervalusageend"),
        "charge_category": literal("Usage"),
        "charge_class": f"CASE WHEN lower({get('lineitem/iscorrection')}) = 'true' THEN 'Correction' END",
        "charge_description": get("product/description"),
        "service_name": get("product/service"),
        "provider_name": literal("Oracle"),
        "publisher_name": literal("Oracle"),
        "invoice_issuer_name": literal("Oracle"),
        "sub_account_id": get("product/compartmentid"),
        "sub_account_name": get("product/compartmentname"),
        "region_id": get("product/region"),
        "resource_id": get("product/resourceid"),
        "sku_id": get("cost/productsku"),
        "consumed_quantity": get("usage/billedquantity"),
        "consumed_unit": get("cost/skuunitdescription", "cost/billingunitreadable"),
        "pricing_quantity": get("usage/billedquantity"),
        "pricing_unit": get("cost/billingunitreadable"),
        "tags": _tags(get.below("tags/")),
    }


NATIVE = (
    NativeFormat(
        "aws-cur",
        "an AWS Cost and Usage Report (legacy CUR)",
        "lineitem/unblendedcost",
        (frozenset({"lineitem/unblendedcost", "lineitem/lineitemtype", "bill/payeraccountid"}),),
        _cur,
    ),
    NativeFormat(
        "aws-cur2",
        "an AWS Cost and Usage Report (CUR 2.0)",
        "line_item_unblended_cost",
        (frozenset({"line_item_unblended_cost", "line_item_line_item_type", "bill_payer_account_id"}),),
        _cur2,
    ),
    NativeFormat(
        "oci",
        "an OCI cost report",
        "cost/mycost",
        (frozenset({"lineitem/intervalusagestart", "lineitem/tenantid", "cost/mycost"}),),
        _oracle,
    ),
    NativeFormat(
        "gcp",
        "a Google Cloud billing export",
        "usage_start_time",
        (frozenset({"usage_start_time", "billing_account_id", "cost", "currency"}),),
        _google,
    ),
    NativeFormat(
        "azure",
        "an Azure Cost Management export",
        "metercategory",
        tuple(
            frozenset({"metercategory", cost, date})
            for cost in ("costinbillingcurrency", "cost", "pretaxcost")
            for date in ("date", "usagedatetime", "usagedate")
        ),
        _azure,
    ),
)
