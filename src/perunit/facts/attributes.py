"""One attribute of an event as SQL: from a checked expression over typed columns to the column the store keeps.

Enters: expressions and the types they have. Leaves: SQL of the value, and the rules its row is held to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from perunit.engine.duckdb import Engine, literal
from perunit.facts.rules import Rule
from perunit.model.money import AMOUNT_SCALE, currencies
from perunit.model.sampling import WEIGHT_MAX, WEIGHT_SCALE

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "CERTAIN",
    "OFFSET",
    "Value",
    "amount",
    "currency",
    "evaluated",
    "key_text",
    "measured",
    "outcome",
    "precise",
    "sampled_by",
    "time",
    "type_of",
    "weight",
]

_NUMERIC = re.compile(r"(DECIMAL|TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT)")
# After a time of day: the end of a date such as 2026-09-01 is no offset.
OFFSET = r"[Tt ].*(Z|z|[+-]\d{2}(:?\d{2})?)$"
# Before the point. Wider amounts are faults, and a sum of many of them would not fit its column.
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Value:
    """SQL of an attribute, and the rules over the row that go with it."""

    sql: str
    rules: tuple[Rule, ...] = ()


# The weight of what was not sampled.
CERTAIN = Value("1")


def precise(text: str) -> str:
    """SQL, true where decimal text cannot be kept exactly at 12 places; cheap for the short texts most amounts are."""
    odd = f"(length({text}) > 13 OR contains({text}, 'e') OR contains({text}, 'E'))"
    exact = rf"'\s*[+-]?[0-9]*(\.[0-9]{{0,{AMOUNT_SCALE}}}0*)?\s*'"
    # 1.5e-7 has as many places as its mantissa and its exponent say together.
    mantissa = rf"length(regexp_extract({text}, '\.([0-9]*?)0*[eE]', 1))"
    exponent = rf"TRY_CAST(regexp_extract({text}, '[eE]([+-]?[0-9]{{1,4}})\s*$', 1) AS INTEGER)"
    places = f"coalesce({mantissa} - {exponent} > {AMOUNT_SCALE}, true)"
    return f"({odd} AND NOT regexp_full_match({text}, {exact}) AND {places})"


def amount(place: str, sql: str, type_: str, column: str) -> Value:
    """Money: kept exactly at 12 places, or refused. `column` is where the value will stand, as in all of these."""
    text = sql if type_ == "VARCHAR" else f"CAST({sql} AS VARCHAR)"
    expected = f"must have at most {AMOUNT_SCALE} decimal places; round it where it is made"
    target = f"DECIMAL({_DIGITS + AMOUNT_SCALE}, {AMOUNT_SCALE})"
    finite = f"must be a finite decimal number of at most {_DIGITS} digits before the point; correct it"
    unreadable = f"{column} IS NULL AND ({sql}) IS NOT NULL"
    if _NUMERIC.match(type_):
        rules = [Rule("number", place, unreadable, text, finite)]
        scale = re.search(r",\s*(\d+)\)", type_)
        if scale and int(scale.group(1)) > AMOUNT_SCALE:
            rules.append(Rule("precision", place, f"{sql} <> {column}", text, expected))
        return Value(f"TRY_CAST({sql} AS {target})", tuple(rules))
    if type_ != "VARCHAR":
        return Value(f"TRY_CAST({text} AS {target})", (Rule("number", place, unreadable, text, finite),))
    # The engine would read 1_000 as a thousand, which no other reader of the file does.
    number = Rule("number", place, f"{unreadable} OR contains({text}, '_')", text, finite)
    return Value(f"TRY_CAST({text} AS {target})", (number, Rule("precision", place, precise(text), text, expected)))


def measured(place: str, sql: str, type_: str, target: str, column: str) -> Value:
    """A measured quantity: at least 0, rounded to the places of `target`."""
    text = sql if type_ == "VARCHAR" else f"CAST({sql} AS VARCHAR)"
    digits, places = re.findall(r"\d+", target)
    expected = (
        f"must be a finite number of at least 0 and at most {int(digits) - int(places)} digits before the point; "
        "correct it where it is measured"
    )
    value = sql if _NUMERIC.match(type_) else text
    broken = f"{column} < 0 OR ({column} IS NULL AND ({sql}) IS NOT NULL)"
    return Value(f"TRY_CAST({value} AS {target})", (Rule("quantity", place, broken, text, expected),))


def weight(place: str, sql: str, type_: str) -> Value:
    """How many stand behind a sampled row: at least 1, rounded to 18 places; null where that is not known."""
    text = sql if type_ == "VARCHAR" else f"CAST({sql} AS VARCHAR)"
    expected = (
        f"must be a number from 1 to {WEIGHT_MAX}: 1 ÷ the probability it was kept with; "
        "correct it, or give null where that is not known"
    )
    broken = f"weight < 1 OR weight > {WEIGHT_MAX} OR (weight IS NULL AND nullif({text}, '') IS NOT NULL)"
    value = f"TRY_CAST({sql if _NUMERIC.match(type_) else text} AS DECIMAL(38, {WEIGHT_SCALE}))"
    return Value(value, (Rule("weight", place, broken, text, expected),))


def sampled_by(key: Value) -> Value:
    """What a sampled row was kept or dropped with; nothing is decided by it where a row was not sampled."""
    return Value(f"CASE WHEN weight > 1 THEN {key.sql} END", key.rules)


def key_text(sql: str, type_: str) -> str:
    """An id as text; a number without its trailing zeros, empty text as absent."""
    text = f"CAST({sql} AS VARCHAR)"
    if type_.startswith("DECIMAL"):
        return f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
    return text if _NUMERIC.match(type_) else f"nullif({text}, '')"


def time(place: str, sql: str, type_: str, timezone: str | None, latest: datetime, column: str) -> Value:
    """An instant in UTC without zone. Text must carry an offset unless the source states its zone."""
    text = f"CAST({sql} AS VARCHAR)"
    rules: list[Rule] = []
    if type_ == "TIMESTAMP WITH TIME ZONE":
        value = f"timezone('UTC', {sql})"
    elif type_ == "VARCHAR" and timezone is None:
        # A cast to TIMESTAMP is twice as fast, but only right where the offset it drops is zero.
        value = (
            f"CASE WHEN ends_with({sql}, 'Z') THEN TRY_CAST({sql} AS TIMESTAMP) "
            f"ELSE timezone('UTC', TRY_CAST({sql} AS TIMESTAMP WITH TIME ZONE)) END"
        )
        naive = f"NOT ends_with({sql}, 'Z') AND NOT regexp_matches({sql}, '{OFFSET}')"
        expected = "must end with Z or an offset such as +02:00; state the offset or the source's timezone"
        rules.append(Rule("time zone", place, naive, text, expected))
    else:
        value = f"timezone('UTC', timezone({literal(timezone or 'UTC')}, TRY_CAST({sql} AS TIMESTAMP)))"
        if type_ == "VARCHAR":
            # An offset in the text itself stands above the source's zone.
            zoned = f"timezone('UTC', TRY_CAST({sql} AS TIMESTAMP WITH TIME ZONE))"
            value = f"CASE WHEN regexp_matches({sql}, '{OFFSET}') THEN {zoned} ELSE {value} END"
    unreadable = "must be a time such as 2026-09-01T12:00:00Z; correct it"
    rules.append(Rule("time", place, f"{column} IS NULL AND ({sql}) IS NOT NULL", text, unreadable))
    bounds = f"{column} < TIMESTAMP '1970-01-01' OR {column} > TIMESTAMP '{latest:%Y-%m-%d %H:%M:%S}'"
    expected = f"must lie between 1970 and {latest:%Y-%m-%d %H:%M} UTC; correct the clock or limits.future_hours"
    rules.append(Rule("time range", place, bounds, text, expected))
    return Value(value, tuple(rules))


def currency(place: str, sql: str, default: str, column: str) -> Value:
    """An ISO 4217 code, the contract's where none is given."""
    # One text: a list of so many values is planned for longer than a small group takes to run.
    codes = " ".join(sorted(currencies()))
    unknown = f"length({column}) <> 3 OR NOT contains(' {codes} ', ' ' || {column} || ' ')"
    broken = f"{column} <> '{default}' AND ({unknown})"
    rule = Rule(
        "currency", place, broken, f"CAST({sql} AS VARCHAR)", "must be an ISO 4217 code in capitals; correct it"
    )
    return Value(f"coalesce({sql}, '{default}')", (rule,))


def outcome(place: str, sql: str, column: str) -> Value:
    """'success', 'failure' or null."""
    expected = "must be 'success', 'failure' or null; correct the outcome expression"
    rule = Rule("outcome", place, f"{column} NOT IN ('success', 'failure')", column, expected)
    return Value(f"CAST({sql} AS VARCHAR)", (rule,))


def evaluated(place: str, sql: str) -> Value:
    """`sql` made safe for rows on which it raises: null there, and the row is refused."""
    broken = f"TRY(({sql}) IS NULL) IS NULL"
    return Value(
        f"TRY({sql})", (Rule("expression", place, broken, "NULL", "must be computable; the row makes it fail"),)
    )


@cache
def _describer() -> Engine:
    """An empty engine that only tells types."""
    return Engine(threads=1)


def type_of(sql: str, columns: str) -> str:
    """The type the engine gives an expression over `columns`, written as ``CAST(NULL AS type) AS name, …``."""
    return str(_describer().rows(f"DESCRIBE SELECT {sql} AS x FROM (SELECT {columns})")[0][1])
