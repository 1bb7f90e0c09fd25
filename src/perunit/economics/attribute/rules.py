"""Compiles the allocation rules. Enters: the contract. Leaves: the SELECT that gives every line its rule.

A rule's expressions are checked scalar SQL over the FOCUS columns of a charge; only their rendered form is run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.contract.expression import Reference, parse
from perunit.contract.focus import FOCUS_COLUMNS
from perunit.engine.duckdb import identifier, literal
from perunit.facts.privacy.billed import Carried, CarriedId

if TYPE_CHECKING:
    from collections.abc import Collection

    from perunit.contract.shape import AllocationRule, Contract

__all__ = ["CompiledRule", "carried_ids", "compile_rules", "lines_sql"]

_KEPT = (
    "bill_id, line, billed_cost, effective_cost, billing_currency, charge_category, charge_period_start, "
    "charge_period_end"
)
# What the issuer itself calls unused; an unknown status is not.
_UNUSED = "coalesce(lower(commitment_discount_status) = 'unused', false) OR coalesce(allocated_part = 'unused', false)"


_TAG = re.compile(r"\s*tags\s*\[[^\]]*\]\s*")


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule as SQL. `driver` names what it is spread by: a measure or units opened; `drivers` are its meters.

    `followed` is the bit of a rule that follows lines by an expression, `of`; 0 for every other rule.
    """

    number: int
    rule: AllocationRule
    driver: str | None
    drivers: tuple[Driver, ...]
    unit_type: str | None
    match: str
    key: str | None
    resource: str | None
    capacities: str | None
    of: str | None
    followed: int


@dataclass(frozen=True, slots=True)
class Driver:
    """A meter that a usage rule is split by, with its weight in a blend."""

    meter: str
    at_least: str | None
    weight: int

    @property
    def name(self) -> str:
        """What tells sets of weights apart."""
        return f"usage:{self.meter}" + (f":{self.at_least}" if self.at_least else "")


def compile_rules(contract: Contract) -> tuple[CompiledRule, ...]:
    """The rules in the order they are tried."""
    bits = {rule.name: bit for bit, rule in enumerate(each for each in contract.allocation if each.of)}
    return tuple(
        _compiled(number, rule, contract, 1 << bits[rule.name] if rule.name in bits else 0)
        for number, rule in enumerate(contract.allocation)
    )


def lines_sql(rules: tuple[CompiledRule, ...]) -> str:
    """Every charge of the bills in force with the number of its rule and what the rule reads from the line.

    >>> "NULL AS INTEGER) AS rule" in lines_sql(())
    True
    """
    read = ", ".join(
        f"{_by_rule(rules, attribute, kind)} AS {name}"
        for attribute, name, kind in (
            ("key", "rule_key", "VARCHAR"),
            ("resource", "rule_resource", "VARCHAR"),
            ("capacities", "rule_capacities", "DECIMAL(38, 9)[]"),
        )
    )
    return (
        f"SELECT {_KEPT}, rule, {read}, ({_UNUSED}) AS is_unused, {_scopes(rules)} "
        # Not a join: a rule says billed_cost, and means the line's and not the bill's.
        f"FROM (SELECT *, {_chosen_sql(rules)} AS rule FROM charges "
        "WHERE bill_id IN (SELECT bill_id FROM bills WHERE superseded_at IS NULL))"
    )


def carried_ids(contract: Contract, unit_types: Collection[str]) -> Carried | None:
    """Where bill lines carry the ids of units of these types; None where no rule says so."""
    rules = compile_rules(contract)
    ids = tuple(
        CarriedId(f"allocation.{rule.number}.key", rule.unit_type, rule.number, rule.key, _is_tag(rule.rule.key or ""))
        for rule in rules
        if rule.key is not None and rule.unit_type is not None and rule.unit_type in unit_types
    )
    matches = tuple((f"allocation.{rule.number}.match", rule.match) for rule in rules)
    return Carried(_chosen_sql(rules), ids, matches + tuple((each.place, each.key) for each in ids)) if ids else None


def _is_tag(text: str) -> bool:
    """Whether a key is a tag and nothing else: then the tag holds ids on every line, whichever rule takes it."""
    checked = parse(text)
    return len(checked.references) == 1 and checked.references[0].root == "tags" and _TAG.fullmatch(text) is not None


def _chosen_sql(rules: tuple[CompiledRule, ...]) -> str:
    """The number of the first rule that takes a line."""
    matches = " ".join(f"WHEN ({rule.match}) THEN {rule.number}" for rule in rules)
    return f"CASE {matches} END" if matches else "CAST(NULL AS INTEGER)"


def _scopes(rules: tuple[CompiledRule, ...]) -> str:
    """What tells lines apart that other lines follow; nothing where no rule follows."""
    by_line = any(rule.rule.method == "follow" and rule.of is None for rule in rules)
    names = ("invoice_id", "sub_account_id") if by_line else ("CAST(NULL AS VARCHAR)",) * 2
    flags = [f"CASE WHEN ({rule.of}) THEN {rule.followed} ELSE 0 END" for rule in rules if rule.of]
    followed = " + ".join(flags) or "0"
    return f"{names[0]} AS scope_invoice, {names[1]} AS scope_account, CAST({followed} AS BIGINT) AS followed"


def _compiled(number: int, rule: AllocationRule, contract: Contract, followed: int) -> CompiledRule:
    return CompiledRule(
        number=number,
        rule=rule,
        driver=_driver(rule, contract),
        drivers=_drivers(rule),
        unit_type=rule.unit if rule.method == "direct" else None,
        match=_sql(rule.match),
        key=_sql(rule.key) if rule.method == "direct" and rule.key else None,
        resource=_sql(rule.resource) if rule.method == "usage" and rule.resource else None,
        capacities=_capacities(rule),
        of=_sql(rule.of) if rule.of else None,
        followed=followed,
    )


def _driver(rule: AllocationRule, contract: Contract) -> str | None:
    first = next(iter(contract.units))
    match rule.method:
        case "even":
            return f"units:{rule.unit or first}"
        case "proportional":
            return f"units:{first}" if rule.to == "units" else f"measure:{rule.to}"
        case _:
            return None


def _drivers(rule: AllocationRule) -> tuple[Driver, ...]:
    if rule.method != "usage":
        return ()
    if rule.meters:
        return tuple(Driver(name, each.at_least, each.weight) for name, each in rule.meters.items())
    return (Driver(rule.meter or "", rule.at_least, 1),)


def _capacities(rule: AllocationRule) -> str | None:
    texts = [each.capacity for each in rule.meters.values()] if rule.meters else [rule.capacity]
    stated = [_sql(text) for text in texts if text is not None]
    if rule.method != "usage" or not stated:
        return None
    return f"[{', '.join(f'CAST(({text}) AS DECIMAL(38, 9))' for text in stated)}]"


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
