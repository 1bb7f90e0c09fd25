"""What allocation rules must say. Enters: a typed contract. Leaves: every fault of its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.contract.document import Path, did_you_mean, shown
from perunit.contract.findings import Findings, checked_expression, declared
from perunit.contract.focus import FOCUS_COLUMNS, FOCUS_MAPS
from perunit.model.shapley import PLAYERS_MAX, shapley_values

if TYPE_CHECKING:
    from perunit.contract.expression import Reference
    from perunit.contract.shape import AllocationRule, Contract

__all__ = ["WEIGHTS", "check_rules"]

# Measures whose amounts can be weights: sums that are there for every unit before any bill is split.
WEIGHTS = ("units", "events", "attempts", "successes", "gross_revenue", "revenue", "variable_cost")
# What a method needs, and what else it takes; any rule may say what becomes of idle lines.
_FIELDS_OF_METHOD: dict[str, tuple[set[str], set[str]]] = {
    "direct": ({"unit", "key"}, set()),
    "usage": ({"meter"}, {"meters", "at_least", "resource", "capacity"}),
    "proportional": ({"to"}, {"horizon"}),
    "even": (set(), {"unit", "horizon"}),
    "fixed": ({"unit", "weights"}, {"horizon"}),
    "step_down": ({"unit", "weights"}, set()),
    "shapley": ({"unit", "costs"}, set()),
    "follow": (set(), {"of"}),
}


def check_rules(contract: Contract, found: Findings) -> None:
    """Every rule on its own, and what rules say of each other."""
    names: dict[str, int] = {}
    for index, rule in enumerate(contract.allocation):
        path: Path = ("allocation", index)
        if rule.name in names:
            text = f"must be a name of its own, and rule {names[rule.name] + 1} has it"
            found.fault((*path, "name"), text, "rename one of the two")
        names.setdefault(rule.name, index)
        _check_method(path, rule, found)
        _check_targets(path, rule, contract, found)
        _check_names(path, rule, contract, found)
        _check_expressions(path, rule, found)
        _check_game(path, rule, found)
        if rule.match.strip().lower() == "true" and index + 1 < len(contract.allocation):
            found.note(path, "matches every line, so no rule after it is tried", "put it last", got=shown(rule.name))


def _check_names(path: Path, rule: AllocationRule, contract: Contract, found: Findings) -> None:
    if rule.unit is not None:
        found.known((*path, "unit"), rule.unit, declared(found, "units"), "a unit type", "declare it under units")
    meters: dict[Path, str | None] = {(*path, "meter"): rule.meter, (*path, "at_least"): rule.at_least}
    for name, blended in (rule.meters or {}).items():
        meters |= {(*path, "meters", name): name, (*path, "meters", name, "at_least"): blended.at_least}
    for at, meter in meters.items():
        if meter is not None:
            mend = "map it as usage of a source or event, or declare it under meters"
            found.known(at, meter, contract.meter_names(), "a meter", mend)
    if rule.to is not None:
        what = f"a measure that can be a weight ({', '.join(WEIGHTS)})"
        found.known((*path, "to"), rule.to, WEIGHTS, what, "use one of these")


def _check_expressions(path: Path, rule: AllocationRule, found: Findings) -> None:
    texts: dict[Path, str | None] = {
        (*path, name): getattr(rule, name) for name in ("match", "key", "resource", "capacity", "of")
    }
    texts |= {(*path, "meters", name, "capacity"): each.capacity for name, each in (rule.meters or {}).items()}
    for at, text in texts.items():
        if text is not None:
            checked_expression(at, text, _sees_charge, found)


def _check_game(path: Path, rule: AllocationRule, found: Findings) -> None:
    """A game of stated costs must have a value, and one that pays no unit for taking part."""
    seen: set[frozenset[str]] = set()
    for index, coalition in enumerate(rule.costs or ()):
        at: Path = (*path, "costs", index, "units")
        if frozenset(coalition.units) in seen or len(set(coalition.units)) < len(coalition.units):
            found.fault(at, "must name each unit, and the same units, once", "take one of them away")
            return
        seen.add(frozenset(coalition.units))
    players = frozenset[str]().union(*seen)
    if len(players) > PLAYERS_MAX:
        rule_text = f"must name at most {PLAYERS_MAX} units"
        found.fault((*path, "costs"), rule_text, "group them, or use method fixed", got=str(len(players)))
    elif rule.costs:
        values = shapley_values({frozenset(each.units): each.cost for each in rule.costs})
        for player in sorted(player for player, value in values.items() if value < 0):
            text = f"must not pay {player} for taking part: together must cost no less than apart"
            found.fault((*path, "costs"), text, "correct the costs", got="")


def _check_targets(path: Path, rule: AllocationRule, contract: Contract, found: Findings) -> None:
    """A share may flow on to rules with weights of their own, and never back to where it came from."""
    others = {each.name: each for each in contract.allocation if each.weights}
    for name in rule.targets():
        at: Path = (*path, "weights", f"rule:{name}")
        if rule.method != "step_down":
            found.fault(at, "must be a unit's key with method fixed", "use method step_down", got=shown(f"rule:{name}"))
        elif found.known(at, name, others, "a rule with method fixed or step_down", "name one of those rules"):
            reached, ahead = set[str](), [name]
            while ahead:
                step = ahead.pop()
                if step not in reached:
                    reached.add(step)
                    ahead += others[step].targets() if step in others else ()
            if rule.name in reached:
                text = "must not lead back to its own rule"
                found.fault(at, text, "take one rule of the circle away", got=shown(f"rule:{name}"))


def _check_method(path: Path, rule: AllocationRule, found: Findings) -> None:
    if found.document.get((*path, "method")) != rule.method:
        return  # a stand-in for a method that was refused
    required, optional = _FIELDS_OF_METHOD[rule.method]
    if rule.method == "usage" and rule.meters:
        required, optional = {"meters"}, {"resource"}
    given = rule.model_fields_set - {"name", "match", "method", "idle"}
    for name in sorted(required - given):
        if found.document.get((*path, name)) is not None:
            continue  # given, and refused for its shape already
        found.fault((*path, name), f"must be given with method {rule.method}", f"add {name}", got="")
    for name in sorted(given - required - optional):
        mend = f"take it away; {rule.method} takes {', '.join(sorted(required | optional))}"
        found.fault((*path, name), f"must be left out with method {rule.method}", mend)


def _sees_charge(reference: Reference) -> tuple[str, str] | None:
    """An allocation rule sees the FOCUS columns of a charge and its tags."""
    if reference.root not in FOCUS_COLUMNS:
        rule = "must be a FOCUS column in snake_case, or tags['…']"
        return rule, did_you_mean(reference.root, FOCUS_COLUMNS, "use for example service_name or tags['team']")
    if reference.root not in FOCUS_MAPS and len(reference.parts) > 1:
        return "must be a column, which has no parts", f"write {reference.root}"
    if reference.root in FOCUS_MAPS and len(reference.parts) > 1 and "[" not in reference.text:
        return "must name a tag in brackets", f"write {reference.root}['{reference.parts[1]}']"
    return None
