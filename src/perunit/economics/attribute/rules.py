"""Compiles the allocation rules. Enters: the contract. Leaves: the SELECT that gives every line its rule.

A rule's expressions are checked scalar SQL over the FOCUS columns of a charge; only their rendered form is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.contract.expression import Reference, parse
from perunit.contract.focus import FOCUS_COLUMNS
from perunit.engine.duckdb import identifier, literal

if TYPE_CHECKING:
    from perunit.contract.shape import AllocationRule, Contract

__all__ = ["CompiledRule", "compile_rules", "lines_sql"]

_KEPT = (
    "bill_id, line, billed_cost, effective_cost, billing_currency, charge_category, charge_period_start, "
    "charge_period_end"
)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule as SQL. `driver` names what it is spread by: a meter, a measure or units opened."""

    number: int
    rule: AllocationRule
    driver: str | None
    unit_type: str | None
    match: str
    key: str | None
    resource: str | None
    capacity: str | None


def compile_rules(contract: Contract) -> tuple[CompiledRule, ...]:
    """The rules in the order they are tried."""
    return tuple(_compiled(number, rule, contract) for number, rule in enumerate(contract.allocation))


def lines_sql(rules: tuple[CompiledRule, ...]) -> str:
    """Every charge of the bills in force with the number of its rule and what the rule reads from the line.

    >>> "NULL AS INTEGER) AS rule" in lines_sql(())
    True
    """
    matches = " ".join(f"WHEN ({rule.match}) THEN {rule.number}" for rule in rules)
    chosen = f"CASE {matches} END" if matches else "CAST(NULL AS INTEGER)"
    read = ", ".join(
        f"{_by_rule(rules, attribute, kind)} AS {name}"
        for attribute, name, kind in (
            ("key", "rule_key", "VARCHAR"),
            ("resource", "rule_resource", "VARCHAR"),
            ("capacity", "rule_capacity", "DECIMAL(38, 9)"),
        )
    )
    return (
        f"SELECT {_KEPT}, rule, {read} FROM (SELECT charges.*, {chosen} AS rule FROM charges "
        "INNER JOIN bills ON bills.bill_id = charges.bill_id WHERE bills.superseded_at IS NULL)"
    )


def _compiled(number: int, rule: AllocationRule, contract: Contract) -> CompiledRule:
    return CompiledRule(
        number=number,
        rule=rule,
        driver=_driver(rule, contract),
        unit_type=rule.unit if rule.method == "direct" else None,
        match=_sql(rule.match),
        key=_sql(rule.key) if rule.method == "direct" and rule.key else None,
        resource=_sql(rule.resource) if rule.method == "usage" and rule.resource else None,
        capacity=_sql(rule.capacity) if rule.method == "usage" and rule.capacity else None,
    )


def _driver(rule: AllocationRule, contract: Contract) -> str | None:
    first = next(iter(contract.units))
    match rule.method:
        case "direct" | "fixed" | "step_down":
            return None
        case "usage":
            return f"usage:{rule.meter}"
        case "even":
            return f"units:{rule.unit or first}"
        case "proportional":
            return f"units:{first}" if rule.to == "units" else f"measure:{rule.to}"


def _sql(text: str) -> str:
    checked = parse(text)
    columns = {reference.text: _column(reference) for reference in checked.references}
    return checked.render(columns.__getitem__)


def _column(reference: Reference) -> str:
    if reference.root not in FOCUS_COLUMNS:
        raise ValueError(f"{reference.text!r} is not a FOCUS column, must have been refused by the check")
    return identifier(reference.root) + "".join(f"[{literal(part)}]" for part in reference.parts[1:])


def _by_rule(rules: tuple[CompiledRule, ...], attribute: str, kind: str) -> str:
    cases = " ".join(
        f"WHEN {rule.number} THEN CAST(({expression}) AS {kind})"
        for rule in rules
        if (expression := getattr(rule, attribute)) is not None
    )
    return f"CASE rule {cases} END" if cases else f"CAST(NULL AS {kind})"
