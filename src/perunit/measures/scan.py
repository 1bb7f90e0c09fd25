"""Reads sums from the fact tables. Enters: which sums, seen how. Leaves: sums per bucket and segment values.

Each fact table is read by one statement, put together from the catalogue's fragments, the contract's names
and bound values; nothing a caller writes becomes SQL but a checked filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from perunit.engine.duckdb import identifier, literal
from perunit.measures.catalogue import sum_of
from perunit.measures.fine import fine_source
from perunit.measures.formula import Number
from perunit.measures.latency import ZERO_BUCKET, estimate
from perunit.measures.sums import GROUPED, QUANTILES, Fact, Sum
from perunit.model.errors import UsageError
from perunit.model.window import Grain, Window, naive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perunit.contract.expression import Checked
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["BILL_DIMENSIONS", "CELL_DIMENSIONS", "USAGE_DIMENSIONS", "Key", "Lens", "Table", "scan"]

Key = tuple[datetime | None, tuple[str | None, ...]]
Table = dict[Key, dict[str, Number | None]]

CELL_DIMENSIONS = ("event_type", "source", "outcome")
USAGE_DIMENSIONS = ("meter", "resource")
BILL_DIMENSIONS = ("service_name", "cloud_account")

_TIME = {Fact.LATENCY: "day", Fact.ACTIVE: "day", Fact.ALLOCATIONS: "day", Fact.RECONCILED: "day"}
_BEGINNING, _FOREVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lens:
    """How facts are seen: whose keys count, cut by which dimensions, which rows, when, in which currency.

    `fine` names the facts to be read from single events because their rollup is coarser than the question.
    """

    unit: str
    bit: int
    by: tuple[str, ...]
    grain: Grain
    window: Window
    where: Checked | None
    currency: str
    fine: frozenset[Fact]

    def values(self) -> dict[str, Any]:
        """What the statements bind."""
        start = naive(self.window.start or _BEGINNING)
        return {
            "unit": self.unit,
            "bit": self.bit,
            "currency": self.currency,
            "start": start,
            "end": naive(self.window.end or _FOREVER),
            "hour": start.replace(minute=0, second=0, microsecond=0),
        }

    def on(self, window: Window, grain: Grain) -> Lens:
        """The same view of another window."""
        return replace(self, window=window, grain=grain)


def scan(engine: Engine, contract: Contract, lens: Lens, names: Iterable[str]) -> Table:
    """The named sums for every bucket and combination of segment values that has any fact.

    A count nothing was counted for is 0; any other sum without facts is None.
    """
    active = contract.units[lens.unit].counted == "active"
    sums = {name: sum_of(name, active=active) for name in sorted(names)}
    table: Table = {}
    for fact in Fact:
        wanted = {name: each for name, each in sums.items() if each.fact is fact}
        if wanted:
            if fact in {Fact.ALLOCATIONS, Fact.RECONCILED}:
                _refuse_cut_days(engine, lens)
            read = _read_latency if fact is Fact.LATENCY else _read_sums
            read(engine, contract, lens, fact, wanted, table)
    empty: dict[str, Number | None] = {name: 0 if each.counts else None for name, each in sums.items()}
    return {
        key: empty | {name: value for name, value in row.items() if value is not None} for key, row in table.items()
    }


def _refuse_cut_days(engine: Engine, lens: Lens) -> None:
    """Bills are allocated by the day: what they cost in an hour, or in a part of a day, is not known."""
    values = lens.values()
    if lens.grain in {Grain.MINUTE, Grain.HOUR}:
        sql = "SELECT min(day) FROM allocations WHERE day + INTERVAL 1 DAY > $start AND day < $end"
        mend = "use --grain day, or leave the measures out that include billed cost"
    else:
        sql = (
            "SELECT min(day) FROM allocations WHERE (day < $start AND day + INTERVAL 1 DAY > $start) OR "
            "(day < $end AND day + INTERVAL 1 DAY > $end AND $end <= (SELECT max(watermark) FROM batches))"
        )
        mend = "start and end the window at midnight UTC"
    day = engine.value(sql, values)
    if day is not None:
        raise UsageError(
            f"window: bills are allocated by the day, and the billed cost of {day:%Y-%m-%d} cannot be cut; {mend}"
        )


def _read_sums(
    engine: Engine, contract: Contract, lens: Lens, fact: Fact, wanted: dict[str, Sum], table: Table
) -> None:
    """Sums by group and flag first, then the wanted sums of the few rows that are left."""
    known = _recorded_accounts(contract)
    columns = [_known(each) if each.account in known else each.sql for each in wanted.values()]
    grouped = GROUPED[fact]
    condition = _condition(lens, fact) + _kinds(wanted)
    inner = _select(contract, lens, fact, [*grouped.flags, *grouped.sums], condition)
    groups = _group_names(lens)
    sql = f"SELECT {', '.join([*groups, *columns])} FROM ({inner}) g{' GROUP BY ALL' if groups else ''}"
    for row in engine.rows(sql, lens.values()):
        key, values = _split(lens, row)
        table.setdefault(key, {}).update(zip(wanted, values, strict=True))


def _read_latency(
    engine: Engine, contract: Contract, lens: Lens, fact: Fact, wanted: dict[str, Sum], table: Table
) -> None:
    """Quantiles by nearest rank: the first bucket at which the running count reaches the share."""
    names = {name: QUANTILES[name.removeprefix("latency_")] for name in wanted}
    columns = [
        f"coalesce(f.bucket, {ZERO_BUCKET}) AS slot",
        "sum(f.observations) AS n",
        "min(f.latency_min) AS least",
        "max(f.latency_max) AS most",
    ]
    inner = _select(contract, lens, fact, columns, _condition(lens, fact))
    groups = _group_names(lens)
    group = f"PARTITION BY {', '.join(groups)}" if groups else ""
    found = [f"min(slot) FILTER (WHERE reached * 100 >= total * {share})" for share in names.values()]
    sql = (
        f"SELECT {', '.join([*groups, 'min(least)', 'max(most)', *found])} FROM ("
        f"SELECT *, sum(n) OVER ({group} ORDER BY slot) AS reached, sum(n) OVER ({group}) AS total "
        f"FROM ({inner}) g) ranked{' GROUP BY ALL' if groups else ''}"
    )
    for row in engine.rows(sql, lens.values()):
        key, (least, most, *slots) = _split(lens, row)
        estimates = [None if slot is None else estimate(slot, least, most) for slot in slots]
        table.setdefault(key, {}).update(zip(names, estimates, strict=True))


def _group_names(lens: Lens) -> list[str]:
    timed = [] if lens.grain is Grain.TOTAL else ["bucket"]
    return [*timed, *(f"d{place}" for place in range(len(lens.by)))]


def _select(contract: Contract, lens: Lens, fact: Fact, columns: list[str], condition: str) -> str:
    """One SELECT over a fact table: time bucket, dimensions (``d0``, ``d1`` …) and columns."""
    time = _TIME.get(fact, "window_start")
    groups = [] if lens.grain is Grain.TOTAL else [f"CAST(date_trunc('{lens.grain}', f.{time}) AS TIMESTAMP) AS bucket"]
    groups += [f"{_column(dimension)} AS d{place}" for place, dimension in enumerate(lens.by)]
    fine = f", f AS ({fine_source(contract, lens.unit, fact)})" if fact in lens.fine else ""
    source = "f" if fact in lens.fine else f"{identifier(fact.value)} f"
    return (
        f"WITH c AS MATERIALIZED ({_cells(contract)}){fine} SELECT {', '.join([*groups, *columns])} "
        f"FROM {source} {_join(lens, fact)} "
        f"WHERE f.{time} >= $start AND f.{time} < $end AND {condition} GROUP BY ALL"
    )


def _cells(contract: Contract) -> str:
    """Every cell as one unit type sees it."""
    masks = {
        "in_lens": "unit_mask",
        "orphan": "orphan_mask",
        "attempt": "attempt_mask",
        "success": "success_mask",
    }
    seen = [f"({mask} >> CAST($bit AS INTEGER)) & 1 = 1 AS {name}" for name, mask in masks.items()]
    seen.append("in_lens AND currency = $currency AS own")
    shown = [f"{identifier(f'shown_{name}')} AS {identifier(f's_{name}')}" for name in contract.dimensions()]
    return f"SELECT cell_id, {', '.join([*CELL_DIMENSIONS, *seen, *shown])} FROM cells"


def _join(lens: Lens, fact: Fact) -> str:
    """How a fact finds its cell; a unit's days have none of their own and take the one the unit opened in."""
    if fact is Fact.ACTIVE:
        if not lens.by and lens.where is None:
            return ""
        return "JOIN units u ON u.unit_type = f.unit_type AND u.unit_key = f.unit_key JOIN c ON c.cell_id = u.cell_id"
    if fact is Fact.RECONCILED:
        return ""
    return f"{'LEFT ' if fact is Fact.ALLOCATIONS else ''}JOIN c ON c.cell_id = f.cell_id"


def _condition(lens: Lens, fact: Fact) -> str:
    seen = {
        Fact.UNITS: "f.unit_type = $unit",
        Fact.ACTIVE: "f.unit_type = $unit",
        Fact.ALLOCATIONS: "true",
        Fact.RECONCILED: "true",
        Fact.ROLLUP: "(c.in_lens OR c.orphan)",
    }.get(fact, "c.in_lens")
    return seen if lens.where is None else f"{seen} AND ({lens.where.render(_column)})"


def _column(name: str) -> str:
    dimension = name.lower()
    if dimension in (*USAGE_DIMENSIONS, *BILL_DIMENSIONS):
        return f"f.{dimension}"
    return f"c.{dimension if dimension in CELL_DIMENSIONS else identifier(f's_{dimension}')}"


def _recorded_accounts(contract: Contract) -> frozenset[str]:
    """The accounts that some source or event type of the contract fills."""
    mapped = [source.event.amounts for source in contract.sources.values()]
    mapped += [event.amounts for event in contract.events.values()]
    return frozenset(account for amounts in mapped for account in amounts)


def _known(each: Sum) -> str:
    return f"CASE WHEN bool_or(own) THEN coalesce({each.sql}, 0) END"


def _kinds(wanted: dict[str, Sum]) -> str:
    """Reads only the kinds of rows that are asked for, where every sum says which."""
    kinds = {each.kind for each in wanted.values()}
    return "" if None in kinds else f" AND f.kind IN ({', '.join(sorted(literal(str(kind)) for kind in kinds))})"


def _split(lens: Lens, row: tuple[Any, ...]) -> tuple[Key, tuple[Any, ...]]:
    """A result row as its key and the rest; times leave the store here and get their zone back."""
    timed = lens.grain is not Grain.TOTAL
    bucket = row[0].replace(tzinfo=UTC) if timed else None
    first = 1 if timed else 0
    return (bucket, row[first : first + len(lens.by)]), row[first + len(lens.by) :]
