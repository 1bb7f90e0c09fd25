"""Reads sums from the fact tables. Enters: which sums, seen how. Leaves: sums per bucket and segment values.

Each fact table is read by one statement, put together from the catalogue's fragments, the contract's names
and bound values; nothing a caller writes becomes SQL but a checked filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.economics.price.tiers import define_splits
from perunit.engine.duckdb import identifier, literal
from perunit.measures.catalogue import sum_of
from perunit.measures.coarse import table_of
from perunit.measures.filters import bound
from perunit.measures.fine import fine_source
from perunit.measures.formula import Number
from perunit.measures.latency import ZERO_BUCKET, estimate
from perunit.measures.sums import GROUPED, QUANTILES, SUMS, Fact, Sum
from perunit.model.errors import UsageError
from perunit.model.money import exact
from perunit.model.window import Grain, Window, naive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from perunit.contract.expression import Checked
    from perunit.contract.shape import Contract
    from perunit.economics.fx.rates import FxRates
    from perunit.engine.duckdb import Engine
    from perunit.measures.filters import Filter

__all__ = [
    "BILL_DIMENSIONS",
    "CELL_DIMENSIONS",
    "CLUSTERED",
    "SAMPLED_EVENTS",
    "USAGE_DIMENSIONS",
    "Key",
    "Lens",
    "Table",
    "clusters_sql",
    "converted_clusters_sql",
    "latency_keys_sql",
    "scan",
    "split",
]

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
    Amounts in other currencies are converted by `fx`, or left out where it is None. `sampled`: some facts stand for
    others too, and each counts by its weight. A fact is seen where `where` holds and each of `filters` does,
    of which the first are `rows`: all there is for who asks.
    """

    unit: str
    bit: int
    by: tuple[str, ...]
    grain: Grain
    window: Window
    where: Checked | None
    currency: str
    fine: frozenset[Fact]
    fx: FxRates | None = None
    sampled: bool = False
    filters: tuple[Filter, ...] = ()
    rows: tuple[Filter, ...] = ()

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
            **bound(self.filters),
        }

    def groups(self) -> list[str]:
        """The columns that tell rows apart: the time bucket and one a dimension."""
        timed = [] if self.grain is Grain.TOTAL else ["bucket"]
        return [*timed, *(f"d{place}" for place in range(len(self.by)))]

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
    if lens.fine:
        define_splits(engine)
    for fact in Fact:
        wanted = {name: each for name, each in sums.items() if each.fact is fact}
        if wanted:
            if fact in {Fact.ALLOCATIONS, Fact.RECONCILED}:
                _refuse_cut_days(engine, lens)
            read = _read_latency if fact is Fact.LATENCY else _read_sums
            read(engine, contract, lens, fact, wanted, table)
        if lens.fx is not None and fact in _OF_CURRENCIES:
            apart = {name: each for name, each in sums.items() if each.fact is fact and each.per_currency}
            if apart or _OF_CURRENCIES[fact][2] in sums:
                _add_converted(engine, contract, lens, fact, apart, table)
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
    grouped, weights = GROUPED[fact], _weights(lens, fact)
    condition = _condition(lens, fact) + _kinds(wanted)
    columns = [*_flags(fact, wanted), *weights.values(), *grouped.sums]
    inner = _select(contract, lens, fact, columns, condition, table=table_of(engine, lens, fact))
    groups = [*lens.groups(), *weights]
    # What is in the currency asked for is never unconverted.
    own = {name: replace(each, sql="0 * count(*)") if each.unconverted else each for name, each in wanted.items()}
    columns = [*groups, *_columns(contract, own)]
    sql = f"SELECT {', '.join(columns)} FROM ({inner}) g{' GROUP BY ALL' if groups else ''}"
    for row in engine.rows(sql, lens.values()):
        key, values = split(lens, row)
        sums = table.setdefault(key, {})
        if not weights:
            sums.update(zip(wanted, values, strict=True))
            continue
        for name, value in zip(wanted, values[1:], strict=True):
            sums[name] = _plus(sums.get(name), value, _behind(values[0]))


# Where the weight of a fact stands. A unit has its own, the least of its events'; bills are never a sample.
_WEIGHTS = {
    Fact.ROLLUP: "c.weight",
    Fact.PRICED: "c.weight",
    Fact.USAGE: "c.weight",
    Fact.LATENCY: "c.weight",
    Fact.UNITS: "f.weight",
    Fact.ACTIVE: "min(f.weight)",
}


def _weights(lens: Lens, fact: Fact) -> dict[str, str]:
    """The column of weights, where some are not 1: a DECIMAL holds no amount times a weight, so Python multiplies."""
    return {"weight": f"{_WEIGHTS[fact]} AS weight"} if lens.sampled and fact in _WEIGHTS else {}


def _behind(weight: Decimal | None) -> Number:
    """What a weight multiplies by; an undefined one counts what is there, as whole numbers stay whole under 1."""
    return 1 if weight is None or weight == 1 else weight


def _flags(fact: Fact, wanted: dict[str, Sum]) -> tuple[str, ...]:
    unweighted = ("c.weight IS NULL AS unweighted",) if "unweighted" in wanted else ()
    return (*GROUPED[fact].flags, *unweighted)


# Where the currencies of a fact's amounts are listed, what has amounts, and which sums count what has no rate.
_OF_CURRENCIES = {
    Fact.ROLLUP: (
        "SELECT DISTINCT currency FROM cells WHERE currency <> $currency",
        "coalesce(f.revenue, f.discount, f.refund, f.fee, f.tax, f.cost) IS NOT NULL",
        "unconverted_events",
    ),
    Fact.PRICED: (
        "SELECT currency FROM cells WHERE currency <> $currency UNION "
        "SELECT currency FROM rates WHERE currency <> $currency AND kind <> 'fx'",
        "f.currency = $foreign AND f.amount IS NOT NULL",
        "unconverted_usage",
    ),
    Fact.ALLOCATIONS: (
        "SELECT DISTINCT billing_currency FROM bills WHERE billing_currency <> $currency",
        "f.currency = $foreign",
        "unconverted_parts",
    ),
}


def _add_converted(
    engine: Engine, contract: Contract, lens: Lens, fact: Fact, sums: dict[str, Sum], table: Table
) -> None:
    """Adds what is in other currencies, at the rate of its day: exact sums of a day, times one rate."""
    assert lens.fx is not None  # noqa: S101 - the caller asks
    listed, _, unconverted = _OF_CURRENCIES[fact]
    for (currency,) in sorted(engine.rows(listed, {"currency": lens.currency})):
        for key, day, values in _of_currency(engine, contract, lens, fact, currency, sums):
            facts, cost = int(values[unconverted] or 0), values.get("effective_all")
            worth = lens.fx.of(currency, day)
            row = table.setdefault(key, {})
            if worth is None:
                if any(not each.counts for each in sums.values()):
                    # Only who asked for amounts misses any.
                    lens.fx.miss(fact.value, currency, facts, None if cost is None else Decimal(cost))
                row[unconverted] = (row.get(unconverted) or 0) + facts
                continue
            for name, each in sums.items():
                row[name] = _plus(row.get(name), values[name], 1 if each.counts else worth.rate)


def _plus(so_far: Number | None, value: Number | None, factor: Number) -> Number | None:
    if value is None:
        return so_far
    with exact():
        return value * factor if so_far is None else so_far + value * factor


def _of_currency(
    engine: Engine, contract: Contract, lens: Lens, fact: Fact, currency: str, sums: dict[str, Sum]
) -> Iterator[tuple[Key, date, dict[str, Number | None]]]:
    """The sums of one other currency by key and day, with how many facts they are of."""
    _, has_amounts, unconverted = _OF_CURRENCIES[fact]
    read = sums | {unconverted: SUMS[unconverted]}
    if fact is Fact.ALLOCATIONS:
        read |= {"effective_all": SUMS["effective_all"]}
    condition = f"{_condition(lens, fact)} AND {has_amounts}{_kinds(sums) if sums else ''}"
    grouped, weights = GROUPED[fact], _weights(lens, fact)
    inner = _select(contract, lens, fact, [_fx_day(fact), *grouped.flags, *weights.values(), *grouped.sums], condition)
    columns = ["fx_day", *(weights or ["1"]), *lens.groups(), *_columns(contract, read)]
    sql = f"SELECT {', '.join(columns)} FROM ({inner}) g WHERE own GROUP BY ALL"
    for day, weight, *row in engine.rows(sql, lens.values() | {"currency": currency, "foreign": currency}):
        key, values = split(lens, tuple(row))
        yield key, day, {n: _plus(None, v, _behind(weight)) for n, v in zip(read, values, strict=True)}


def _fx_day(fact: Fact) -> str:
    return f"CAST(f.{_TIME.get(fact, 'window_start')} AS DATE) AS fx_day"


def _columns(contract: Contract, wanted: dict[str, Sum]) -> list[str]:
    known = _recorded_accounts(contract)
    return [_known(each) if each.account in known else each.sql for each in wanted.values()]


def _read_latency(
    engine: Engine, contract: Contract, lens: Lens, fact: Fact, wanted: dict[str, Sum], table: Table
) -> None:
    """Quantiles by nearest rank: the first bucket at which the running count reaches the share."""
    names = {name: QUANTILES[name.removeprefix("latency_")] for name in wanted}
    columns = [
        f"coalesce(f.bucket, {ZERO_BUCKET}) AS slot",
        f"sum(f.observations{' * coalesce(c.weight, 1)' if lens.sampled else ''}) AS n",
        "min(f.latency_min) AS least",
        "max(f.latency_max) AS most",
    ]
    inner = _select(contract, lens, fact, columns, _condition(lens, fact))
    groups = lens.groups()
    group = f"PARTITION BY {', '.join(groups)}" if groups else ""
    found = [f"min(slot) FILTER (WHERE reached * 100 >= total * {share})" for share in names.values()]
    sql = (
        f"SELECT {', '.join([*groups, 'min(least)', 'max(most)', *found])} FROM ("
        f"SELECT *, sum(n) OVER ({group} ORDER BY slot) AS reached, sum(n) OVER ({group}) AS total "
        f"FROM ({inner}) g) ranked{' GROUP BY ALL' if groups else ''}"
    )
    for row in engine.rows(sql, lens.values()):
        key, (least, most, *slots) = split(lens, row)
        estimates = [None if slot is None else estimate(slot, least, most) for slot in slots]
        table.setdefault(key, {}).update(zip(names, estimates, strict=True))


# Facts of which what was sampled together can be told, and how each finds what it was sampled with (see errors.py).
_OF_EVENTS = ("s.cluster", "JOIN keyed s ON s.event_key = f.event_key")
_OF_UNITS = ("coalesce(s.cluster, f.unit_key)", "LEFT JOIN keyed_units s ON s.unit_key = f.unit_key")
CLUSTERED = {
    Fact.ROLLUP: _OF_EVENTS,
    Fact.PRICED: _OF_EVENTS,
    Fact.USAGE: _OF_EVENTS,
    Fact.UNITS: _OF_UNITS,
    Fact.ACTIVE: _OF_UNITS,
}
SAMPLED_EVENTS = (
    "SELECT e.* FROM events e WHERE e.event_time >= $start AND e.event_time < $end "
    "AND e.cell_id IN (SELECT cell_id FROM cells WHERE weight IS DISTINCT FROM 1)"
)


def clusters_sql(contract: Contract, lens: Lens, fact: Fact, wanted: dict[str, Sum]) -> str:
    """What was sampled of a fact, or of which the weight is unknown: sums by group, sampling unit and weight."""
    inner = _clustered(contract, lens, fact, wanted, [])
    return _by_cluster(lens, wanted, f"({inner}) g", [])


def converted_clusters_sql(contract: Contract, lens: Lens, fact: Fact, wanted: dict[str, Sum]) -> str:
    """The same of amounts in `$currency`, times the rates of their days in ``sampled_fx``."""
    inner = _clustered(contract, lens, fact, wanted, [_fx_day(fact)])
    rates = "JOIN sampled_fx r ON r.currency = $currency AND r.day = g.fx_day"
    apart = _by_cluster(lens, wanted, f"({inner}) g {rates}", ["r.rate"])
    names = ", ".join(f"{identifier(name)} * rate AS {identifier(name)}" for name in wanted)
    return f"SELECT {', '.join([*lens.groups(), 'cluster', 'weight', 'unstated', names])} FROM ({apart})"


def _clustered(contract: Contract, lens: Lens, fact: Fact, wanted: dict[str, Sum], more: list[str]) -> str:
    cluster, join = CLUSTERED[fact]
    columns = [
        *more,
        f"{cluster} AS cluster",
        f"{_WEIGHTS[fact]} AS weight",
        *_flags(fact, wanted),
        *GROUPED[fact].sums,
    ]
    # Who is active is told by all events, sampled or not, as finely as the question needs it.
    if fact is not Fact.ACTIVE:
        lens = replace(lens, fine=frozenset({fact}))
    return _select(contract, lens, fact, columns, _condition(lens, fact) + _kinds(wanted), join)


def _by_cluster(lens: Lens, wanted: dict[str, Sum], relation: str, more: list[str]) -> str:
    # An amount that no sampled fact has is none here, so that what is not sampled stays certain.
    sums = [f"{each.sql} AS {identifier(name)}" for name, each in wanted.items()]
    columns = ", ".join(
        [*lens.groups(), "cluster", "coalesce(g.weight, 1) AS weight", "g.weight IS NULL AS unstated", *more, *sums]
    )
    return f"SELECT {columns} FROM {relation} WHERE g.weight IS DISTINCT FROM 1 GROUP BY ALL"


def latency_keys_sql(contract: Contract, lens: Lens) -> str:
    """The groups in which a latency was sampled."""
    condition = f"{_condition(lens, Fact.LATENCY)} AND c.weight IS DISTINCT FROM 1"
    return _select(contract, lens, Fact.LATENCY, ["count(*) AS n"], condition)


def _select(
    contract: Contract,
    lens: Lens,
    fact: Fact,
    columns: list[str],
    condition: str,
    join: str = "",
    table: str | None = None,
) -> str:
    """One SELECT over a fact table: time bucket, dimensions (``d0``, ``d1`` …) and columns.

    `join` to what events were sampled with leaves only those events to read. `table` is read instead of the
    fact's own.
    """
    sampled = f"events AS ({SAMPLED_EVENTS}), " if join and fact is not Fact.ACTIVE else ""
    time = _TIME.get(fact, "window_start")
    groups = [] if lens.grain is Grain.TOTAL else [f"CAST(date_trunc('{lens.grain}', f.{time}) AS TIMESTAMP) AS bucket"]
    groups += [f"{_column(dimension)} AS d{place}" for place, dimension in enumerate(lens.by)]
    fine = f", f AS ({fine_source(contract, lens.unit, fact)})" if fact in lens.fine else ""
    source = "f" if fact in lens.fine else f"{identifier(table or fact.value)} f"
    return (
        f"WITH {sampled}c AS MATERIALIZED ({_cells(contract)}){fine} SELECT {', '.join([*groups, *columns])} "
        f"FROM {source} {_join(lens, fact)} {join} "
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
    return f"SELECT cell_id, weight, {', '.join([*CELL_DIMENSIONS, *seen, *shown])} FROM cells"


def _join(lens: Lens, fact: Fact) -> str:
    """How a fact finds its cell; a unit's days have none of their own and take the one the unit opened in."""
    if fact is Fact.ACTIVE:
        if not lens.by and lens.where is None and not lens.filters:
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
    narrowed = [each.sql(_column(each.dimension), place) for place, each in enumerate(lens.filters)]
    narrowed += [] if lens.where is None else [f"({lens.where.render(_column)})"]
    return " AND ".join([seen, *narrowed])


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


def split(lens: Lens, row: tuple[Any, ...]) -> tuple[Key, tuple[Any, ...]]:
    """A result row as its key and the rest; times leave the store here and get their zone back."""
    timed = lens.grain is not Grain.TOTAL
    bucket = row[0].replace(tzinfo=UTC) if timed else None
    first = 1 if timed else 0
    return (bucket, row[first : first + len(lens.by)]), row[first + len(lens.by) :]
