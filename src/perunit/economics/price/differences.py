"""What changes between two versions of a price book. Enters: rates. Leaves: changes, rate by rate, each with when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from perunit.contract.prices import Rate
from perunit.model.money import divide, exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from perunit.engine.duckdb import Engine

__all__ = ["Change", "changes", "stored_rates"]

_NEVER, _FOREVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_Subject = tuple[str, str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Change:
    """One price within ``[start, end)`` before and after; None: no price. `end` None: from then on."""

    before: Rate | None
    after: Rate | None
    start: datetime
    end: datetime | None

    @property
    def rate(self) -> Rate:
        """The rate that names the subject."""
        rate = self.after or self.before
        assert rate is not None  # noqa: S101 - nothing to nothing is no change
        return rate

    @property
    def what(self) -> str:
        """``added``, ``ended`` or ``changed``."""
        if self.before is None:
            return "added"
        return "ended" if self.after is None else "changed"

    @property
    def ratio(self) -> Decimal | None:
        """The relative change of the unit price; unknown from nothing or from 0."""
        if self.before is None or self.after is None:
            return None
        with exact():
            difference = self.after.unit_price - self.before.unit_price
        return divide(difference, self.before.unit_price)


def changes(old: Iterable[Rate], new: Iterable[Rate]) -> tuple[Change, ...]:
    """Every stretch of time in which a rate's unit price differs, by kind, meter, conditions and time.

    A rate that is only cut into two entries of the same price does not change. Rates of one series (same kind,
    meter, event type and conditions) must not overlap, which `check` sees to.
    """
    before, after = _series(old), _series(new)
    found: list[Change] = []
    for subject in sorted(before.keys() | after.keys()):
        found += _changes(before.get(subject, []), after.get(subject, []))
    return tuple(found)


def _series(rates: Iterable[Rate]) -> dict[_Subject, list[Rate]]:
    found: dict[_Subject, list[Rate]] = defaultdict(list)
    for rate in rates:
        found[
            rate.kind, rate.meter, rate.adjusts or rate.event_type or "", tuple(sorted(rate.conditions.items()))
        ].append(rate)
    return found


def _changes(old: list[Rate], new: list[Rate]) -> list[Change]:
    cuts = sorted({side for rate in (*old, *new) for side in (rate.effective_from, rate.effective_to or _FOREVER)})
    found: list[Change] = []
    for start, end in pairwise(cuts):
        before, after = _at(old, start), _at(new, start)
        if _price(before) == _price(after):
            continue
        until = None if end == _FOREVER else end
        if found and found[-1].end == start and _same(found[-1], before, after):
            found[-1] = Change(found[-1].before, found[-1].after, found[-1].start, until)
        else:
            found.append(Change(before, after, start, until))
    return found


def _at(rates: list[Rate], instant: datetime) -> Rate | None:
    held = (rate for rate in rates if rate.effective_from <= instant < (rate.effective_to or _FOREVER))
    return next(held, None)


def _same(change: Change, before: Rate | None, after: Rate | None) -> bool:
    return [_price(change.before), _price(change.after)] == [_price(before), _price(after)]


def _price(rate: Rate | None) -> tuple[Decimal, str | None] | None:
    return None if rate is None else (rate.unit_price, rate.tiers)


def stored_rates(engine: Engine, book: str, version: int) -> tuple[Rate, ...]:
    """The rates of a version the store has loaded; times are aware UTC."""
    rows = engine.records(
        "SELECT * REPLACE (map_entries(conditions) AS conditions) FROM rates "
        "WHERE book = $book AND version = $version AND base_rate_id IS NULL ORDER BY rate_id",
        {"book": book, "version": version},
    )
    return tuple(_rate(row) for row in rows)


def _rate(row: dict[str, object]) -> Rate:
    known = {name: row[name] for name in Rate.__dataclass_fields__ if name in row}
    conditions = {entry["key"]: entry["value"] for entry in row["conditions"]}  # type: ignore[attr-defined]
    dated = {
        name: value.replace(tzinfo=UTC) if isinstance(value := row[name], datetime) else None
        for name in ("effective_from", "effective_to")
    }
    return Rate(**(known | {"conditions": conditions, "line": 0} | dated))  # type: ignore[arg-type]
