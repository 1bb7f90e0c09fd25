"""Refuses questions without an exact answer. Enters: a query. Leaves: a checked lens or a UsageError."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from perunit.economics.fx.rates import FxRates
from perunit.facts.cells import is_sampled
from perunit.measures.catalogue import Measure, sum_of
from perunit.measures.formula import Spread
from perunit.measures.scan import BILL_DIMENSIONS, CELL_DIMENSIONS, USAGE_DIMENSIONS, Lens
from perunit.measures.sums import Fact
from perunit.model.errors import UsageError
from perunit.model.money import is_currency
from perunit.model.window import Grain, Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perunit.contract.expression import Checked
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.measures.filters import Filter
    from perunit.measures.query import Query

__all__ = ["FINE_LIMIT", "checked_lens", "latest_event", "lens_bit", "near", "unit_of"]

FINE_LIMIT = timedelta(days=2)
_DAILY = frozenset({Fact.LATENCY, Fact.ACTIVE})
_COUNTED_UNITS = frozenset({Fact.UNITS, Fact.ACTIVE})
_METERED = frozenset({Fact.USAGE, Fact.PRICED, Fact.ALLOCATIONS})


def checked_lens(
    engine: Engine,
    contract: Contract,
    query: Query,
    measures: tuple[Measure, ...],
    needed: Iterable[str],
    rows: tuple[Filter, ...] = (),
) -> Lens:
    """The lens a query is answered through; of all facts only `rows` are there to be seen."""
    unit = unit_of(contract, query.unit)
    active = contract.units[unit].counted == "active"
    facts = {measure.name: _facts(measure, active=active) for measure in measures}
    where = _checked_where(query.where)
    _check_dimensions(contract, "--by", query.by, facts)
    _check_dimensions(contract, "--where", where.columns if where else (), facts)
    _check_dimensions(contract, "filter", (each.dimension for each in query.filters), facts)
    _check_dimensions(contract, "rows", (each.dimension for each in rows), facts)
    _check_grain(query, measures)
    _check_currency(query.currency)
    currency = query.currency or contract.currency
    return Lens(
        unit=unit,
        bit=lens_bit(engine, contract, unit),
        by=tuple(dict.fromkeys(query.by)),
        grain=query.grain,
        window=query.window,
        where=where,
        currency=currency,
        fx=FxRates(engine, currency, contract.fx.max_age_days) if query.converts else None,
        sampled=is_sampled(engine),
        filters=(*rows, *query.filters),
        rows=rows,
        fine=_fine(query, {sum_of(name, active=active).fact for name in needed}, latest_event(engine)),
    )


def unit_of(contract: Contract, name: str | None) -> str:
    """The unit type of this name; the contract's first where none is named."""
    if name is None:
        return next(iter(contract.units))
    if name not in contract.units:
        raise UsageError(f"unit: got {name!r}, must be a unit type of the contract; {near(name, contract.units)}")
    return name


def latest_event(engine: Engine) -> datetime | None:
    """The time of the latest fact in the store."""
    latest = engine.value("SELECT max(watermark) FROM batches")
    return latest.replace(tzinfo=UTC) if latest else None


def lens_bit(engine: Engine, contract: Contract, unit: str) -> int:
    """The unit type's place in the masks; before anything is ingested it has none and any will do."""
    bit = engine.value("SELECT bit FROM unit_types WHERE unit_type = $unit", {"unit": unit})
    return list(contract.units).index(unit) if bit is None else bit


def _facts(measure: Measure, *, active: bool) -> frozenset[Fact]:
    return frozenset(sum_of(name, active=active).fact for name in measure.needs())


def near(name: str, known: Iterable[str]) -> str:
    """The mend for a name that is not there."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(names)}"


def _checked_where(text: str | None) -> Checked | None:
    if text is None:
        return None
    # Only a filter needs the SQL parser, whose import costs more than most queries.
    from perunit.contract.expression import ExpressionError, parse

    try:
        return parse(text)
    except ExpressionError as error:
        raise UsageError(f"--where: {error}") from error


def _check_dimensions(contract: Contract, option: str, names: Iterable[str], facts: dict[str, frozenset[Fact]]) -> None:
    known = (*contract.dimensions(), *CELL_DIMENSIONS, *USAGE_DIMENSIONS, *BILL_DIMENSIONS)
    for name in (name.lower() for name in names):
        if name not in known:
            raise UsageError(f"{option}: got {name!r}, must be a dimension; {near(name, known)}")
        for measure, read in facts.items():
            _check_dimension(option, name, measure, read)


def _check_dimension(option: str, name: str, measure: str, read: frozenset[Fact]) -> None:
    if name in {"event_type", "outcome"} and read & _COUNTED_UNITS:
        raise UsageError(
            f"{option}: got {name!r} for {measure}, which counts units, and a unit has events "
            "of several kinds; ask for events, attempts or totals instead"
        )
    if name in USAGE_DIMENSIONS and not read <= _METERED:
        raise UsageError(
            f"{option}: got {name!r} for {measure}, which is not only made of metered usage; "
            "ask for usage_cost, unpriced_rate or a meter instead"
        )
    if (name in BILL_DIMENSIONS) != (Fact.RECONCILED in read):
        raise UsageError(
            f"{option}: got {name!r} for {measure}; only reconciliation_score is by "
            f"{' and '.join(BILL_DIMENSIONS)}, and by nothing else"
        )
    if name == "meter" and Fact.USAGE in read:
        raise UsageError(
            f"{option}: got 'meter' for {measure}, and quantities of different meters "
            "cannot stand in one column; name the meters as measures instead"
        )


def _check_grain(query: Query, measures: tuple[Measure, ...]) -> None:
    for measure in measures:
        if isinstance(measure.formula, Spread) and query.grain not in {Grain.MONTH, Grain.TOTAL}:
            raise UsageError(
                f"--grain: got {query.grain} for {measure.name}, which needs several days in a bucket; "
                "use --grain month or total"
            )


def _check_currency(code: str | None) -> None:
    if code is not None and not is_currency(code):
        raise UsageError(f"--currency: got {code!r}, must be an ISO 4217 code such as USD; correct it")


def _fine(query: Query, facts: set[Fact], latest: datetime | None) -> frozenset[Fact]:
    """The facts whose rollup is coarser than the question, to be read from single events."""
    ends_later = query.window.end is not None and (latest is None or query.window.end > latest)
    bounds = [query.window.start, None if ends_later else query.window.end]
    cuts_hour = any(bound and (bound.minute or bound.second or bound.microsecond) for bound in bounds)
    cuts_day = cuts_hour or any(bound and bound.hour for bound in bounds)
    fine = frozenset[Fact]()
    if query.grain is Grain.MINUTE or cuts_hour:
        fine = frozenset(facts - {Fact.ALLOCATIONS, Fact.RECONCILED})
    elif query.grain is Grain.HOUR or cuts_day:
        fine = frozenset(facts & _DAILY)
    if fine:
        _check_length(query.window, query.grain, fine)
    return fine


def _check_length(window: Window, grain: Grain, fine: frozenset[Fact]) -> None:
    if window.start is not None and window.end is not None and window.end - window.start <= FINE_LIMIT:
        return
    kept = "day" if fine <= _DAILY else "hour"
    raise UsageError(
        f"--grain {grain}: sums are kept by the {kept}; finer figures are computed from single events, "
        f"for at most 2 days: give --from and --to at most 2 days apart, or whole {kept}s and --grain {kept}"
    )
