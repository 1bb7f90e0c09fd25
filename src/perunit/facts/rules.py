"""The rules a row is held to, each a SQL condition that is true where the row breaks it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Rule", "verdict_sql"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`broken` is SQL over the typed row, true where the rule is broken; `got` is SQL for what was there, as text.

    `name` says which kind of rule, `place` which attribute, `expected` what must hold and how to mend it.
    """

    name: str
    place: str
    broken: str
    got: str
    expected: str


def verdict_sql(rules: list[Rule], first: int) -> str:
    """SQL for the number of the first broken rule, counted from `first`; null where none is."""
    if not rules:
        return "NULL"
    tests = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(rules, first))
    return f"CASE {tests} END"
