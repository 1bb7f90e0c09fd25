"""Compiles the contract into the one query that turns raw rows into events. Enters: the contract and the columns
of the rows. Leaves: SQL that stages typed, validated, keyed rows, and the rules it holds them to.

The query has four layers, each reading only the one below: typed (raw text to typed columns), attributed (the
event's attributes), judged (the number of the first broken rule) and keyed (masks and hashes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from perunit.engine.duckdb import identifier
from perunit.facts.rules import Rule, verdict_sql
from perunit.model.accounts import ACCOUNTS

if TYPE_CHECKING:
    from perunit.facts.attributes import Value
    from perunit.facts.privacy.pseudonyms import Secrecy

__all__ = ["Kind", "Names", "Plan", "assemble"]

_TYPES = {
    "id": "VARCHAR",
    "source": "VARCHAR",
    "event_type": "VARCHAR",
    "event_time": "TIMESTAMP",
    "recorded_at": "TIMESTAMP",
    "outcome": "VARCHAR",
    "currency": "VARCHAR",
    "intent": "VARCHAR",
    "resource": "VARCHAR",
    "latency_ms": "DECIMAL(18, 6)",
    "payload_hash": "UBIGINT",
    "weight": "DECIMAL(38, 18)",
    "sampled_by": "VARCHAR",
    **dict.fromkeys(ACCOUNTS, "DECIMAL(38, 12)"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """The contract's names as the store's columns know them: unit type → bit, dimensions, meters."""

    unit_bits: dict[str, int]
    dimensions: tuple[str, ...]
    meters: tuple[str, ...]

    def columns(self) -> dict[str, str]:
        """Every attribute column of a staged row with its type."""
        return {
            **_TYPES,
            **{f"unit_{unit}": "VARCHAR" for unit in self.unit_bits},
            **{f"segment_{dimension}": "VARCHAR" for dimension in self.dimensions},
            **{f"usage_{meter}": "DECIMAL(38, 9)" for meter in self.meters},
        }

    def cell_columns(self) -> tuple[str, ...]:
        """What makes a cell: all that is not unique to an event."""
        segments = tuple(f"segment_{dimension}" for dimension in self.dimensions)
        masks = ("unit_mask", "orphan_mask", "attempt_mask", "success_mask")
        return ("source", "event_type", "outcome", "currency", "weight", *masks, *segments)

    def fact_columns(self) -> tuple[str, ...]:
        """What is kept of an event beside its key, batch, cell and lateness; two deliveries must agree on it."""
        units = tuple(f"unit_{unit}" for unit in self.unit_bits)
        usage = tuple(f"usage_{meter}" for meter in self.meters)
        own = ("event_time", "intent", "resource", "latency_ms", "payload_hash", "sampled_by")
        return (*own, *ACCOUNTS, *units, *usage)


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that share one mapping: an event type of the contract, or all rows of a source.

    `expected` are the unit types whose keys the row should carry, the first being what it is about.
    """

    code: int
    expected: tuple[str, ...]
    attributes: dict[str, Value]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`staged_sql` reads the relation ``incoming``, one row a row; `raw_sql` is a row's text for quarantine.

    `values` are what `staged_sql` binds, `secrecy` how ids are kept from sight, `scans` whether personal data is.
    `producer` is SQL of who sent a row, over its staged form ``s`` or, where it starts with ``i.``, as it came.
    """

    names: Names
    judged_sql: str
    staged_sql: str
    rules: tuple[Rule, ...]
    raw_sql: str
    columns: dict[str, str] = field(default_factory=dict)
    producer: str = "NULL"
    values: dict[str, Any] = field(default_factory=dict, repr=False)
    secrecy: Secrecy | None = None
    scans: bool = False

    def refusals_sql(self, relation: str) -> str:
        """SQL for (position, reject, got) of refused rows, read from `relation` in place of ``incoming``."""
        got = " ".join(f"WHEN {number} THEN {rule.got}" for number, rule in enumerate(self.rules))
        judged = self.judged_sql.replace("FROM incoming", f"FROM {relation} incoming")
        return f"SELECT position, reject, left(CAST(CASE reject {got} END AS VARCHAR), 500) AS got FROM ({judged})"


def assemble(
    names: Names,
    typed_sql: str,
    shared: dict[str, Value],
    first_rules: tuple[Rule, ...],
    kinds: tuple[Kind, ...],
    success: dict[str, str],
    raw_sql: str,
    columns: dict[str, str] | None = None,
) -> Plan:
    """Stacks the layers. `typed_sql` gives position, kind and the typed columns that all other SQL refers to.

    `shared` are attributes common to all kinds; `first_rules` are tried before any kind's own, then the rules of
    `shared`; `success` maps a unit type to its success rule as SQL over the attribute columns.
    """
    rules = list(first_rules) + [rule for value in shared.values() for rule in value.rules]
    by_kind = {kind.code: _rules_of(kind) for kind in kinds}
    common = [rule for rule in by_kind[kinds[0].code] if all(rule in own for own in by_kind.values())] if kinds else []
    # What every kind is held to is tried once over all rows, not kind by kind.
    rules += common
    head = verdict_sql(rules, 0)
    branches = []
    for kind in kinds:
        own = [rule for rule in by_kind[kind.code] if rule not in common]
        if own:
            branches.append(f"WHEN {kind.code} THEN {verdict_sql(own, len(rules))}")
        rules += own
    tail = f"CASE kind {' '.join(branches)} END" if branches else "NULL"
    attributes = ", ".join(
        f"CAST({_merged(column, shared, kinds)} AS {type_}) AS {identifier(column)}"
        for column, type_ in names.columns().items()
    )
    judged = (
        f"SELECT *, CAST(coalesce({head}, {tail}) AS SMALLINT) AS reject "
        f"FROM (SELECT *, {attributes} FROM ({typed_sql}))"
    )
    return Plan(names, judged, _keyed(names, judged, kinds, success), tuple(rules), raw_sql, columns or {})


def _rules_of(kind: Kind) -> list[Rule]:
    """A kind's own rules and those of its attributes, each once."""
    own = list(kind.rules) + [rule for value in kind.attributes.values() for rule in value.rules]
    return list(dict.fromkeys(own))


def _merged(column: str, shared: dict[str, Value], kinds: tuple[Kind, ...]) -> str:
    """One column's SQL over all kinds; without a CASE where they agree."""
    if column in shared:
        return shared[column].sql
    by_kind = {kind.code: kind.attributes[column].sql for kind in kinds if column in kind.attributes}
    if not by_kind:
        return "NULL"
    if len(by_kind) == len(kinds) and len(set(by_kind.values())) == 1:
        return next(iter(by_kind.values()))
    by_sql: dict[str, list[int]] = {}
    for code, sql in by_kind.items():
        by_sql.setdefault(sql, []).append(code)
    cases = " ".join(f"WHEN kind IN ({', '.join(map(str, codes))}) THEN {sql}" for sql, codes in by_sql.items())
    return f"CASE {cases} END"


def _keyed(names: Names, judged: str, kinds: tuple[Kind, ...], success: dict[str, str]) -> str:
    """Adds masks, then the hashes of the cell and of (source, id)."""
    kept = ", ".join(identifier(column) for column in names.columns())
    masks = (
        f"{_unit_mask(names)} AS unit_mask, {_expected(names, kinds)} AS expected_mask, {_about(names, kinds)} AS about"
    )
    attempt, succeeded = _attempt_masks(names, success)
    cell = ", ".join(identifier(column) for column in names.cell_columns())
    return (
        f"SELECT * EXCLUDE (expected_mask, about), hash({cell}) AS cell_key, hash(source, id) AS event_key FROM ("
        f"SELECT *, expected_mask & ~unit_mask AS orphan_mask, {attempt} AS attempt_mask, "
        f"{succeeded} AS success_mask FROM (SELECT position, reject, {kept}, {masks} FROM ({judged})))"
    )


def _unit_mask(names: Names) -> str:
    bits = [
        f"CASE WHEN {identifier(f'unit_{unit}')} IS NULL THEN 0 ELSE {1 << bit} END"
        for unit, bit in names.unit_bits.items()
    ]
    return f"CAST({' + '.join(bits)} AS BIGINT)"


def _expected(names: Names, kinds: tuple[Kind, ...]) -> str:
    masks = {kind.code: sum(1 << names.unit_bits[unit] for unit in kind.expected) for kind in kinds}
    return f"CAST({_by_kind(masks)} AS BIGINT)"


def _about(names: Names, kinds: tuple[Kind, ...]) -> str:
    return _by_kind({kind.code: names.unit_bits[kind.expected[0]] for kind in kinds if kind.expected})


def _by_kind(values: dict[int, int]) -> str:
    if not values:
        return "NULL"
    if len(set(values.values())) == 1:
        return str(next(iter(values.values())))
    return f"CASE kind {' '.join(f'WHEN {code} THEN {value}' for code, value in values.items())} END"


def _attempt_masks(names: Names, success: dict[str, str]) -> tuple[str, str]:
    """An event is an attempt only of the unit it is about; the unit's success rule stands above the outcome."""
    attempts, successes = [], []
    for unit, bit in names.unit_bits.items():
        rule = success.get(unit)
        succeeded = f"coalesce({rule}, false)" if rule else "outcome = 'success'"
        attempted = f"(outcome IS NOT NULL OR {succeeded})" if rule else "outcome IS NOT NULL"
        attempts.append(f"CASE WHEN about = {bit} AND {attempted} THEN {1 << bit} ELSE 0 END")
        successes.append(f"CASE WHEN about = {bit} AND {succeeded} THEN {1 << bit} ELSE 0 END")
    return f"CAST({' + '.join(attempts)} AS BIGINT)", f"CAST({' + '.join(successes)} AS BIGINT)"
