"""From one period's contribution margin to another's, step by step. Enters: a window and what it is compared with.
Leaves: steps whose sum is the difference, to the last digit.

The formula, its order and why it is exact are in docs/bridge.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from perunit.access.permit import OWNER
from perunit.measures.catalogue import MEASURES, measures_of
from perunit.measures.periods import Compare
from perunit.measures.query import Query, Result, run_query
from perunit.model.errors import UsageError
from perunit.model.money import divide, exact
from perunit.model.window import Grain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["STEPS", "Book", "Bridge", "Cell", "Step", "bridge", "levels"]

# Every step by name, in the order in which they are taken.
STEPS = {
    "volume": "Volume: more or fewer units",
    "mix": "Mix: other segments' share of the units",
    "price": "Price: gross revenue per unit",
    "discounts": "Discounts per unit",
    "refunds": "Refunds per unit",
    "fees": "Fees per unit",
    "usage": "Usage: quantity per unit",
    "cost_rate": "Cost rates: price of a quantity",
    "other_cost": "Other variable cost per unit",
}
_AMOUNTS = ("gross_revenue", "discounts", "refunds", "fees", "other_cost")
# Levels between the two margins are rounded to so many places; the margins themselves never are.
_PLACES = Decimal(1).scaleb(-12)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cell:
    """One segment in one period: units, amounts by account, and each meter's quantity and cost."""

    units: Decimal = _ZERO
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    costs: Mapping[str, Decimal] = field(default_factory=dict)

    def amount(self, account: str) -> Decimal:
        """What an account comes to; 0 where nothing is known of it."""
        return self.amounts.get(account, _ZERO)

    @property
    def usage_cost(self) -> Decimal:
        """What all meters cost."""
        with exact():
            return sum(self.costs.values(), _ZERO)

    @property
    def margin(self) -> Decimal:
        """Gross revenue less all that is taken off it."""
        with exact():
            off = sum((self.amount(account) for account in _AMOUNTS[1:]), _ZERO)
            return self.amount("gross_revenue") - off - self.usage_cost


Book = Mapping[str | None, Cell]


@dataclass(frozen=True, slots=True)
class Step:
    """One step, with its sign: what it adds to the margin."""

    name: str
    title: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Bridge:
    """`before` + Σ `steps` = `after`, exactly; `result` says of which window, in which currency, how fresh."""

    before: Decimal
    after: Decimal
    steps: tuple[Step, ...]
    mix: str | None
    result: Result


def bridge(
    engine: Engine, contract: Contract, query: Query, *, mix: str | None = None, permit: Permit = OWNER
) -> Bridge:
    """The bridge to the contribution margin of the window of `query` from that of what it compares with."""
    if query.compare is Compare.OFF:
        raise UsageError("--compare: must say what the margin is compared with; use previous, week, year or custom")
    # A meter named like a measure of the catalogue has no measure of its quantity.
    meters = tuple(name for name in contract.meter_names() if name in measures_of(contract) and name not in MEASURES)
    wanted = ("units", "gross_revenue", "discounts", "refunds", "fees", "usage_cost", "variable_cost", *meters)
    by = () if mix is None else (mix,)
    asked = replace(query, measures=(*wanted, "contribution_margin"), by=by, grain=Grain.TOTAL, order=(), limit=None)
    result = run_query(engine, contract, asked, permit=permit)
    metered = run_query(engine, contract, replace(asked, measures=("usage_cost",), by=(*by, "meter")), permit=permit)
    books = [_book(result, metered, meters, mix, suffix) for suffix in ("_before", "")]
    found = levels(*books, mixed=mix is not None)
    names = [name for name in STEPS if name != "mix" or mix is not None]
    with exact():
        steps = tuple(
            Step(name, STEPS[name], later - earlier)
            for name, (earlier, later) in zip(names, pairwise(found), strict=True)
        )
    return Bridge(found[0], found[-1], steps, mix, result)


def _book(result: Result, metered: Result, meters: tuple[str, ...], mix: str | None, suffix: str) -> Book:
    """One period by segment; what is unknown is 0 here, as it adds nothing to the margin."""
    costs: dict[str | None, dict[str, Decimal]] = {}
    for row in metered.rows:
        segment = None if mix is None else row.values[mix]
        costs.setdefault(segment, {})[str(row.values["meter"])] = _known(row.values[f"usage_cost{suffix}"])
    cells: dict[str | None, Cell] = {}
    for row in result.rows:
        segment = None if mix is None else row.values[mix]
        value = {
            name: _known(row.values[f"{name}{suffix}"]) for name in ("variable_cost", "usage_cost", *_AMOUNTS[:-1])
        }
        with exact():
            other = value["variable_cost"] - value["fees"] - value["usage_cost"]
            unmetered = value["usage_cost"] - sum(costs.get(segment, {}).values(), _ZERO)
        cells[segment] = Cell(
            _known(row.values[f"units{suffix}"]),
            {name: value[name] for name in _AMOUNTS[:-1]} | {"other_cost": other},
            {name: _known(row.values[f"{name}{suffix}"]) for name in meters},
            costs.get(segment, {}) | ({"": unmetered} if unmetered else {}),
        )
    return cells


def _known(value: Decimal | int | None) -> Decimal:
    return _ZERO if value is None else Decimal(value)


def levels(before: Book, after: Book, *, mixed: bool) -> list[Decimal]:
    """The margin before, after each step, and at last after all: one step turns one thing into what it is afterwards.

    >>> old = {None: Cell(Decimal(10), {"gross_revenue": Decimal(100), "fees": Decimal(10)})}
    >>> new = {None: Cell(Decimal(12), {"gross_revenue": Decimal(132), "fees": Decimal(12)})}
    >>> [int(level) for level in levels(old, new, mixed=False)]
    [90, 108, 120, 120, 120, 120, 120, 120, 120]
    """
    segments = list(dict.fromkeys([*before, *after]))
    pairs = [(before.get(segment, Cell()), after.get(segment, Cell())) for segment in segments]
    all_before, all_after = _total(before.values()), _total(after.values())
    with exact():
        average, growth = _total(cell for cell in before.values() if cell.units), (all_before.units, all_after.units)
        expected = [_expected(old, new, average, growth) for old, new in pairs]
        found = [all_before.margin, _scaled(all_before.margin, all_after.units, all_before.units)]
        if mixed:
            found.append(sum((cell.margin for cell in expected), _ZERO))
        level = sum((cell.margin for cell in expected), _ZERO)
        for account in _AMOUNTS[:-1]:
            change = all_after.amount(account) - sum((cell.amount(account) for cell in expected), _ZERO)
            level += change if account == "gross_revenue" else -change
            found.append(level)
        used = sum((_at_old_rates(old, new, all_before) for old, new in pairs), _ZERO)
        level -= used - sum((cell.usage_cost for cell in expected), _ZERO)
        found.append(level)
        level -= all_after.usage_cost - used
        found += [level, all_after.margin]
        return [found[0], *(each.quantize(_PLACES, ROUND_HALF_EVEN) for each in found[1:-1]), found[-1]]


def _total(cells: Iterable[Cell]) -> Cell:
    cells = list(cells)

    def summed(parts: list[Mapping[str, Decimal]]) -> dict[str, Decimal]:
        return {name: sum((each.get(name, _ZERO) for each in parts), _ZERO) for each in parts for name in each}

    with exact():
        return Cell(
            sum((cell.units for cell in cells), _ZERO),
            summed([cell.amounts for cell in cells]),
            summed([cell.quantities for cell in cells]),
            summed([cell.costs for cell in cells]),
        )


def _scaled(amount: Decimal, by: Decimal, of: Decimal) -> Decimal:
    """`amount` × `by` ÷ `of`; as it is where there is nothing to divide by."""
    return amount if not of else divide(amount * by, of) or _ZERO


def _expected(old: Cell, new: Cell, average: Cell, growth: tuple[Decimal, Decimal]) -> Cell:
    """What a segment would come to with the units it has now, each as before.

    A segment that is new is taken to be as those with units were on average; one without units in either period grows
    as all units do (`growth`, from so many to so many).
    """
    source, of, by = old, old.units, new.units
    if not old.units and new.units and average.units:
        source, of = average, average.units
    elif not old.units and not new.units:
        of, by = growth
    return Cell(
        new.units,
        {name: _scaled(value, by, of) for name, value in source.amounts.items()},
        {name: _scaled(value, by, of) for name, value in source.quantities.items()},
        {name: _scaled(value, by, of) for name, value in source.costs.items()},
    )


def _at_old_rates(old: Cell, new: Cell, all_old: Cell) -> Decimal:
    """What the quantities of now would have cost at the rates of before.

    The rate is the segment's own where it used the meter, else that of all; a meter that had no quantity to go by
    before is taken at its cost of now.
    """
    cost = _ZERO
    for meter in {**old.costs, **new.costs}:
        rated = old if old.quantities.get(meter) or meter in old.costs else all_old
        quantity = rated.quantities.get(meter, _ZERO)
        if not quantity or (rated is all_old and meter not in rated.costs):
            cost += new.costs.get(meter, _ZERO)
        else:
            cost += _scaled(rated.costs.get(meter, _ZERO), new.quantities.get(meter, _ZERO), quantity)
    return cost
