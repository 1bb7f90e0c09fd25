"""Looks for personal data in what is about to be stored. Enters: a plan. Leaves: the plan that refuses or hides it.

A row's keys (its id, type and intent, the ids of its units) cannot be hidden without losing what they name, so that a
row with personal data in one of them is refused in either case. What `privacy.pseudonymize` hides is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perunit.engine.duckdb import identifier
from perunit.facts.privacy.personal import KINDS, KINDS_OF_KEYS, kind_sql
from perunit.facts.quarantine import HIDDEN_TEXT
from perunit.facts.rules import Rule

if TYPE_CHECKING:
    from perunit.contract.privacy import Privacy
    from perunit.engine.duckdb import Engine
    from perunit.facts.staging import Names, Plan

__all__ = ["RULE", "Kept", "drop_texts", "kept", "places", "scanned"]

RULE = "personal_data"
_KEYS = {"id": "id", "intent": "intent"}
# A machine's address is nobody's.
_KINDS_OF_RESOURCES = tuple(kind for kind in KINDS if kind != "ip")


def places(names: Names, privacy: Privacy) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What is looked at: column → (its name in the contract, the kinds of personal data looked for)."""
    secret = privacy.pseudonymize
    keys = {} if secret else _KEYS
    units = {f"unit_{unit}": unit for unit in names.unit_bits if unit not in secret}
    segments = {f"segment_{dimension}": dimension for dimension in names.dimensions}
    found = {
        **dict.fromkeys((*keys.items(), *units.items()), KINDS_OF_KEYS),
        ("resource", "resource"): _KINDS_OF_RESOURCES,
        **dict.fromkeys((("event_type", "type"), *segments.items()), KINDS),
    }
    return {column: (name, kinds) for (column, name), kinds in found.items() if name not in privacy.allow}


def _hidden_as(kind: str) -> str:
    """SQL of what is stored in the place of hidden text, over SQL of its kind; null where that is null."""
    return f"'{HIDDEN_TEXT}' || {kind} || ')'"


def scanned(plan: Plan, privacy: Privacy) -> Plan:
    """The plan that holds every row to `privacy.scan`; the very plan where nothing is looked for."""
    if privacy.scan == "off":
        return plan
    looked_at = places(plan.names, privacy)
    hidden = (column for column in looked_at if column == "resource" or column.startswith("segment_"))
    hides = frozenset(hidden if privacy.scan == "hide" else ())
    found = ", ".join(
        f"{kind_sql(identifier(column), kinds)} AS {_found(column)}" for column, (_, kinds) in looked_at.items()
    )
    rules = tuple(_rule(column, name) for column, (name, _) in looked_at.items() if column not in hides)
    verdicts = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(rules, len(plan.rules)))
    put = {column: f"coalesce({_hidden_as(_found(column))}, {identifier(column)})" for column in sorted(hides)}
    if rules:
        put["reject"] = f"CAST(coalesce(reject, CASE {verdicts} END) AS SMALLINT)"
    replaced = ", ".join(f"{sql} AS {identifier(column)}" for column, sql in put.items())
    judged = f"SELECT * REPLACE ({replaced}) FROM (SELECT *, {found} FROM ({plan.judged_sql}))"
    staged = plan.staged_sql.replace(plan.judged_sql, judged)
    return replace(plan, judged_sql=judged, staged_sql=staged, rules=(*plan.rules, *rules), scans=True)


def _found(column: str) -> str:
    return identifier(f"found_{column}")


def _rule(column: str, name: str) -> Rule:
    rule = (
        "must hold no personal data (privacy.scan); do not send it, keep its unit as a pseudonym, or name it in "
        "privacy.allow where it is none"
    )
    return Rule(RULE, name, f"{_found(column)} IS NOT NULL", _found(column), rule)


def drop_texts(engine: Engine) -> None:
    """Leaves out of `refusals` the text of rows with personal data, which would be stored with them otherwise; `got` of
    every other rule too. They cannot be replayed, only sent again.
    """
    kind = f"CASE WHEN rule = '{RULE}' THEN got ELSE {kind_sql('raw', KINDS_OF_KEYS)} END"
    engine.execute(
        f"UPDATE refusals SET raw = {_hidden_as('held')}, got = {_hidden_as('held')} "
        f"FROM (SELECT rowid AS number, {kind} AS held FROM refusals) "
        "WHERE refusals.rowid = number AND held IS NOT NULL"
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store holds of one kind of personal data in one place: facts, and different texts."""

    place: str
    kind: str
    facts: int
    texts: int


def kept(engine: Engine, names: Names, privacy: Privacy) -> tuple[Kept, ...]:
    """What is stored already that `scanned` would not let in, the most first."""
    found = [
        Kept(name, *row)
        for column, (name, kinds) in places(names, privacy).items()
        for row in engine.rows(
            f"SELECT {kind_sql('value', kinds)} AS kind, CAST(sum(facts) AS BIGINT), count(*) FROM ({_texts(column)}) "
            "GROUP BY kind HAVING kind IS NOT NULL"
        )
    ]
    return tuple(sorted(found, key=lambda each: (-each.facts, each.place, each.kind)))


def _texts(column: str) -> str:
    """SQL of every text of a column, with how many facts have it."""
    value = identifier(column)
    if column == "event_type" or column.startswith("segment_"):
        return f"SELECT {value} AS value, count(*) AS facts FROM events JOIN cells USING (cell_id) GROUP BY value"
    return f"SELECT {value} AS value, count(*) AS facts FROM events GROUP BY value"
