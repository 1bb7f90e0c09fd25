"""Gives the text of a bill its types. Enters: a SELECT of text. Leaves: a SELECT of typed lines, and
what a line breaks.

The SQL is put together from `FIELDS` alone; no text of a file or a person is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.engine.duckdb import identifier, literal
from perunit.facts.bills.fields import CHOICES, FIELDS, SPLIT_FIELDS, Field, Kind
from perunit.model.money import currencies

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CHARGE_COLUMNS", "LineRule", "line_rules", "statement_rules", "typed_lines", "typed_statements"]

# Nothing a bill says lies outside: a commitment of five years ends within six years from now.
_EARLIEST = "TIMESTAMP '2000-01-01'"
_AHEAD_YEARS = 6
_PERIOD_DAYS_MAX = 400

_PLAIN = r"[+-]?0*([0-9]{1,13}(\.[0-9]{0,18}0*)?|\.[0-9]{1,18}0*)"
_SCIENTIFIC = r"[+-]?[0-9]{1,13}(\.[0-9]{0,30})?[eE][+-]?[0-9]{1,2}"
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?"
_INSTANT = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?UTC|Z|[+-]\d{2}(:?\d{2})?)?)?"
_TAG_PAIRS = r'\s*[^=;,{}\[\]"]+=[^=;,]*([;,]\s*[^=;,{}\[\]"]+=[^=;,]*)*;?\s*'
_AMOUNT_MAX = "10000000000000"

_CLOSED = frozenset({"charge_category", "charge_class", "allocated_part"})

_MENDS: dict[Kind, tuple[str, str]] = {
    "amount": (
        "must be a plain decimal number of at most 13 digits before and 18 after a decimal point",
        "write it as in 1234.56, without thousands separators or currency signs",
    ),
    "quantity": ("must be a plain decimal number", "write it as in 1234.56, without thousands separators"),
    "instant": ("must be an ISO 8601 time", "write it as in 2026-05-01T00:00:00Z"),
    "currency": ("must be an ISO 4217 code", "write it as in USD"),
    "tags": (
        "must be a JSON object with distinct keys or key=value pairs",
        'write it as in {"team":"shop"} or team=shop;env=prod',
    ),
}


@dataclass(frozen=True, slots=True)
class LineRule:
    """What every line keeps to: `broken` is a condition over a typed line and its text (``t_<field>``)."""

    field: str
    got: str
    broken: str
    rule: str
    mend: str


def typed_lines(text_sql: str) -> str:
    """Every line of a part with its text (``t_<field>``) and its types; `faulty` where it breaks a rule.

    Binds ``$bill_source`` (null: the issuer's name) and ``$now``.
    """
    named = (
        "SELECT *, coalesce($bill_source, invoice_issuer_name, provider_name, service_provider_name) AS bill_source "
        f"FROM ({_typed_fields(text_sql, (*FIELDS, *SPLIT_FIELDS))})"
    )
    return f"SELECT *, {_faulty(line_rules())} AS faulty FROM ({named})"


def typed_statements(text_sql: str, fields: Sequence[Field]) -> str:
    """The same of statements, which have `fields`. Binds ``$now``."""
    return f"SELECT *, {_faulty(statement_rules(fields))} AS faulty FROM ({_typed_fields(text_sql, fields)})"


def statement_rules(fields: Sequence[Field]) -> tuple[LineRule, ...]:
    """Every rule of a statement."""
    return tuple(rule for field in fields for rule in _field_rules(field)) + _PERIOD_RULES[:2]


def _typed_fields(text_sql: str, fields: Sequence[Field]) -> str:
    texts = ", ".join(f"{identifier(field.name)} AS {_text(field)}" for field in fields)
    typed = ", ".join(f"{_typed(field)} AS {identifier(field.name)}" for field in fields)
    return f"SELECT *, {typed} FROM (SELECT {texts} FROM ({text_sql}))"


def _faulty(rules: Sequence[LineRule]) -> str:
    return f"coalesce({' OR '.join(f'({rule.broken})' for rule in rules)}, false)"


def line_rules() -> tuple[LineRule, ...]:
    """Every rule of a line, in the order of the standard's columns; the first ones explain the later."""
    return tuple(rule for field in (*FIELDS, *SPLIT_FIELDS) for rule in _field_rules(field)) + _PERIOD_RULES


def _text(field: Field) -> str:
    return identifier(f"t_{field.name}")


def _typed(field: Field) -> str:
    text = _text(field)
    match field.kind:
        case "amount":
            return _amount(text)
        case "quantity":
            shaped = f"regexp_full_match({text}, {literal(_NUMBER)})"
            return f"CASE WHEN {shaped} THEN TRY_CAST({text} AS DECIMAL(38, 12)) END"
        case "instant":
            shaped = f"regexp_full_match({text}, {literal(_INSTANT)})"
            zoned = f"TRY_CAST(replace(replace({text}, ' UTC', 'Z'), 'UTC', 'Z') AS TIMESTAMPTZ)"
            return f"CASE WHEN {shaped} THEN {zoned} AT TIME ZONE 'UTC' END"
        case "currency":
            codes = ", ".join(literal(code) for code in sorted(currencies()))
            return f"CASE WHEN upper({text}) IN ({codes}) THEN upper({text}) END"
        case "choice":
            return _choice(field)
        case "tags":
            return _tags(text)
        case "text":
            return text


def _amount(text: str) -> str:
    """Exact or null: a number that DECIMAL(38, 18) would round or that is too large has no value."""
    fraction = f"length(rtrim(regexp_extract({text}, '\\.([0-9]*)', 1), '0'))"
    exponent = f"CAST(regexp_extract({text}, '[eE]([+-]?[0-9]+)$', 1) AS INTEGER)"
    value = f"TRY_CAST({text} AS DECIMAL(38, 18))"
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(_PLAIN)}) THEN {value} "
        f"WHEN NOT regexp_full_match({text}, {literal(_SCIENTIFIC)}) THEN NULL "
        f"WHEN {fraction} - {exponent} <= 18 AND abs({value}) < {_AMOUNT_MAX} THEN {value} END"
    )


def _choice(field: Field) -> str:
    text = _text(field)
    cases = " ".join(f"WHEN {literal(choice.lower())} THEN {literal(choice)}" for choice in CHOICES[field.name])
    other = "NULL" if field.name in _CLOSED else text
    return f"CASE lower({text}) {cases} ELSE {other} END"


def _tags(text: str) -> str:
    """A JSON object, its members without braces, or pairs; null where it is none or a key comes twice."""
    pairs = (
        f"TRY(map_from_entries(list_transform(regexp_split_to_array(trim({text}, ' ;'), '[;,]'), "
        f"lambda pair: (trim(split_part(pair, '=', 1)), trim(substr(pair, strpos(pair, '=') + 1))))))"
    )
    return (
        f"CASE WHEN {text} IS NULL THEN NULL "
        f"WHEN starts_with({text}, '{{') THEN TRY_CAST(TRY_CAST({text} AS JSON) AS MAP(VARCHAR, VARCHAR)) "
        f"WHEN starts_with({text}, '\"') THEN "
        f"TRY_CAST(TRY_CAST('{{' || {text} || '}}' AS JSON) AS MAP(VARCHAR, VARCHAR)) "
        f"WHEN regexp_full_match({text}, {literal(_TAG_PAIRS)}) THEN {pairs} END"
    )


def _field_rules(field: Field) -> list[LineRule]:
    text, name = _text(field), identifier(field.name)
    rules = []
    if field.mandatory:
        rules.append(
            LineRule(
                field.focus,
                "'nothing'",
                f"{text} IS NULL",
                "must not be empty",
                "fill the cell or leave out the line",
            )
        )
    if field.kind == "text" or (field.kind == "choice" and field.name not in _CLOSED):
        return rules
    if field.kind == "choice":
        rule, mend = f"must be one of {', '.join(CHOICES[field.name])}", "write the standard's word"
    else:
        rule, mend = _MENDS[field.kind]
    rules.append(LineRule(field.focus, text, f"{text} IS NOT NULL AND {name} IS NULL", rule, mend))
    return rules


def _span(start: str, end: str) -> str:
    return f"CAST({start} AS VARCHAR) || ' to ' || CAST({end} AS VARCHAR)"


_BILLING = _span("billing_period_start", "billing_period_end")
_CHARGE = _span("charge_period_start", "charge_period_end")
_PERIOD_RULES = (
    LineRule(
        "BillingPeriodEnd",
        _BILLING,
        "billing_period_end <= billing_period_start",
        "must be later than BillingPeriodStart",
        "the end is exclusive: May ends at 2026-06-01T00:00:00Z",
    ),
    LineRule(
        "BillingPeriodStart",
        _BILLING,
        f"billing_period_end > billing_period_start AND (billing_period_start < {_EARLIEST} "
        f"OR billing_period_end > $now + INTERVAL {_AHEAD_YEARS} YEAR "
        f"OR billing_period_end > billing_period_start + INTERVAL {_PERIOD_DAYS_MAX} DAY)",
        f"must lie between 2000 and {_AHEAD_YEARS} years from now and span at most {_PERIOD_DAYS_MAX} days",
        "correct the billing period",
    ),
    LineRule(
        "ChargePeriodEnd",
        _CHARGE,
        "charge_period_end <= charge_period_start",
        "must be later than ChargePeriodStart",
        "the end is exclusive: an hour ends where the next one starts",
    ),
    LineRule(
        "ChargePeriodStart",
        _CHARGE,
        f"charge_period_end > charge_period_start AND (charge_period_start < {_EARLIEST} "
        f"OR charge_period_end > $now + INTERVAL {_AHEAD_YEARS} YEAR)",
        f"must lie between 2000 and {_AHEAD_YEARS} years from now",
        "correct the charge period",
    ),
    LineRule(
        "InvoiceIssuerName",
        "'nothing'",
        "bill_source IS NULL",
        "must name who sent the bill, or ProviderName must",
        "fill the column or import with --source NAME",
    ),
)

# The columns of `charges` that come from a file; FOCUS 1.4 renamed ProviderName to ServiceProviderName.
CHARGE_COLUMNS = tuple(
    field.name for field in FIELDS if not field.name.startswith(("billing_period", "service_provider"))
)
