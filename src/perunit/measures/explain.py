"""All that one figure rests on. Enters: a query of one measure. Leaves: its formula's parts, rows, prices and state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from perunit.access.permit import OWNER, ForbiddenError, Permission
from perunit.measures.catalogue import Measure, measures_of, resolve, sum_of
from perunit.measures.formula import Change, Formula, Number, Part, Product, Ratio, Spread, Total, evaluate, needs
from perunit.measures.locked import is_closed, locked_months
from perunit.measures.periods import Compare
from perunit.measures.query import Query, Result, run_query
from perunit.measures.sums import Fact
from perunit.model.errors import UsageError
from perunit.model.window import Grain, naive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.measures.formula import Sums
    from perunit.model.window import Window

__all__ = ["BookInForce", "Explained", "ExplainedPart", "explain"]

_BEGINNING, _FOREVER = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - as the store keeps times
_BOOKS = """
SELECT b.book, b.version, min(r.effective_from), any_value(a.actor), any_value(a.approved_at)
FROM price_books b
JOIN rates r ON r.book = b.book AND r.version = b.version
LEFT JOIN price_approvals a ON a.book = b.book AND a.version = b.version
WHERE b.withdrawn_at IS NULL AND r.effective_from < $end AND (r.effective_to IS NULL OR r.effective_to > $start)
GROUP BY b.book, b.version ORDER BY b.book, b.version
"""
_HAS_BILLS = "SELECT count(*) > 0 FROM allocations WHERE day >= $start AND day < $end"


@dataclass(frozen=True, slots=True)
class ExplainedPart:
    """One part: the value is (Σ of ``+`` less Σ of ``-``, or the product of all ``*``) ÷ the one of ``/``.

    A part that is unknown adds nothing to a sum. `measure`: its name is one of the catalogue.
    """

    name: str
    title: str
    value: Number | None
    sign: str
    measure: bool


@dataclass(frozen=True, slots=True)
class BookInForce:
    """A version of a price book with a rate in the window, since when, and who approved it."""

    book: str
    version: int
    effective_from: datetime | None
    approved_by: str | None
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Explained:
    """One figure. `rows` is how many accepted events are behind it, None where that has no answer.

    `reconciled` is whether the window is closed and its score, None where it has no bills.
    """

    measure: Measure
    value: Number | None
    parts: tuple[ExplainedPart, ...]
    result: Result
    rows: int | None
    books: tuple[BookInForce, ...]
    reconciled: tuple[bool, Decimal | None] | None


def explain(engine: Engine, contract: Contract, query: Query, permit: Permit = OWNER) -> Explained:
    """What makes up the one measure that `query` asks for, over its whole window."""
    query = replace(query, grain=Grain.TOTAL, by=(), order=(), limit=None, compare=Compare.OFF)
    measures = resolve(contract, query.measures)
    if len(measures) != 1:
        raise UsageError(f"measure: got {len(measures)}, must be one; explain them one by one")
    (measure,) = measures
    result = run_query(engine, contract, query, permit=permit)
    value = result.rows[0].values[measure.name] if result.rows else None
    return Explained(
        measure=measure,
        value=value,
        parts=tuple(_parts(engine, contract, query, result, permit)),
        result=result,
        rows=_rows(engine, contract, query, permit),
        books=_books(engine, query.window, permit),
        reconciled=_reconciled(engine, contract, query, permit),
    )


def _parts(engine: Engine, contract: Contract, query: Query, result: Result, permit: Permit) -> Iterator[ExplainedPart]:
    (measure,) = result.measures
    named = {each.formula: each for each in reversed(measures_of(contract).values())}
    match measure.formula:
        case Spread(_):
            return
        case Change(of):
            yield from _change(engine, contract, query, named[of], permit)
        case formula:
            active = contract.units[result.unit].counted == "active"
            if any(sum_of(name, active=active).fact is Fact.LATENCY for name in measure.needs()):
                return
            yield from _of(formula, result.rows[0].sums if result.rows else {}, named, active=active)


def _of(formula: Formula, sums: Sums, named: dict[Formula, Measure], *, active: bool) -> Iterator[ExplainedPart]:
    def part(each: Formula, sign: str) -> ExplainedPart:
        return _part(each, sign, sums, named, active=active)

    match formula:
        case Ratio(numerator, denominator):
            above = [part(numerator, "+")] if numerator in named else _of(numerator, sums, named, active=active)
            yield from above
            yield part(denominator, "/")
        case Product(factors):
            yield from (part(factor, "*") for factor in factors)
        case Total(plus, minus):
            yield from (part(each, "+") for each in plus)
            yield from (part(each, "-") for each in minus)
        case _:
            yield part(formula, "+")


def _part(formula: Formula, sign: str, sums: Sums, named: dict[Formula, Measure], *, active: bool) -> ExplainedPart:
    value: Number | None = evaluate(formula, sums)
    if value is not None and value % 1 == 0 and all(sum_of(name, active=active).counts for name in needs(formula)):
        value = int(value)
    if (measure := named.get(formula)) is not None and not isinstance(formula, Part):
        return ExplainedPart(measure.name, measure.title, value, sign, measure=True)
    if isinstance(formula, Part):
        text = sum_of(formula.name, active=active).text
        return ExplainedPart(formula.name, measure.title if measure else text, value, sign, measure=False)
    return ExplainedPart("sum", _words(formula, named), value, sign, measure=False)


def _words(formula: Formula, named: dict[Formula, Measure]) -> str:
    if formula in named:
        return named[formula].title.lower()
    match formula:
        case Total(plus, minus):
            added = " + ".join(_words(each, named) for each in plus)
            return " − ".join([added, *(_words(each, named) for each in minus)])
        case Part(name):
            return name.replace("_", " ")
        case _:
            return "other"


def _change(engine: Engine, contract: Contract, query: Query, of: Measure, permit: Permit) -> Iterator[ExplainedPart]:
    asked = replace(query, measures=(of.name,), compare=Compare.PREVIOUS)
    rows = run_query(engine, contract, asked, permit=permit).rows
    now = rows[0].values[of.name] if rows else None
    before = rows[0].values[f"{of.name}_before"] if rows else None
    yield ExplainedPart(of.name, of.title, now, "+", measure=True)
    yield ExplainedPart(of.name, f"{of.title} before", before, "-", measure=True)
    yield ExplainedPart(
        of.name, f"Size of {of.title} before", None if before is None else Decimal(before).copy_abs(), "/", measure=True
    )


def _rows(engine: Engine, contract: Contract, query: Query, permit: Permit) -> int | None:
    try:
        rows = run_query(engine, contract, replace(query, measures=("events",)), permit=permit).rows
    except (UsageError, ForbiddenError):
        # Events have no meter or resource, and not everyone may count them.
        return None
    value = rows[0].values["events"] if rows else 0
    return None if value is None else int(value)


def _bounds(window: Window) -> dict[str, datetime]:
    return {
        "start": naive(window.start) if window.start else _BEGINNING,
        "end": naive(window.end) if window.end else _FOREVER,
    }


def _books(engine: Engine, window: Window, permit: Permit) -> tuple[BookInForce, ...]:
    """Where one may know of them."""
    if not (permit.allows(Permission.FINANCIAL) or permit.allows(Permission.PRICES)):
        return ()
    rows = engine.rows(_BOOKS, _bounds(window))
    return tuple(
        BookInForce(book, version, _aware(since), actor, _aware(approved))
        for book, version, since, actor, approved in rows
    )


def _aware(at: datetime | None) -> datetime | None:
    return at and at.replace(tzinfo=UTC)


def _reconciled(engine: Engine, contract: Contract, query: Query, permit: Permit) -> tuple[bool, Decimal | None] | None:
    if not engine.value(_HAS_BILLS, _bounds(query.window)):
        return None
    closed = is_closed(query.window, locked_months(engine))
    asked = Query(("reconciliation_score",), unit=query.unit, window=query.window, currency=query.currency)
    try:
        rows = run_query(engine, contract, asked, permit=permit).rows
    except (UsageError, ForbiddenError):
        return closed, None
    return closed, rows[0].values["reconciliation_score"] if rows else None
