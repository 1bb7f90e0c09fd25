"""What a period's figures have become since, and why. Enters: a period and an instant. Leaves: restatements.

Each change is measured by itself: the figures as known just before it against those as known with it, each computed
from the facts known then, so that the differences of all changes sum to the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.economics.reconcile.changes import Change, changes_since
from perunit.economics.reconcile.locks import Figure, Lock, figures_of, locks_of
from perunit.measures.closing import closing_figures
from perunit.model.errors import UsageError
from perunit.model.money import exact
from perunit.model.plain import plain_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["Difference", "Restatement", "Since", "restated", "since_when", "unreproduced"]

_Figures = dict[Figure, str | None]


@dataclass(frozen=True, slots=True)
class Since:
    """What a period is compared with: its figures at an instant, or those a lock kept."""

    window: Window
    at: datetime
    lock: Lock | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure before and after a change, as exact decimals; None is unknown."""

    figure: Figure
    before: Decimal | None
    after: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """After less before; None where either is unknown."""
        if self.before is None or self.after is None:
            return None
        with exact():
            return self.after - self.before


@dataclass(frozen=True, slots=True)
class Restatement:
    """A change that came after a period's figures were known, and what it did to them, which may be nothing."""

    period: str
    cause: str
    what: tuple[str, ...]
    at: datetime
    differences: tuple[Difference, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values: decimals as exact text, times as RFC 3339."""
        return {
            "period": self.period,
            "cause": self.cause,
            "what": list(self.what),
            "at": plain_value(self.at),
            "differences": [
                plain_value(each.figure)
                | {
                    "before": plain_value(each.before),
                    "after": plain_value(each.after),
                    "difference": plain_value(each.difference),
                }
                for each in self.differences
            ],
        }


def since_when(engine: Engine, window: Window | None, since: datetime | None) -> tuple[Since, ...]:
    """What to compare: the last lock of every locked period, or the period as it was at `since`.

    Raises UsageError where neither a lock nor an instant says what to compare with.
    """
    last = {lock.window: lock for lock in locks_of(engine)}
    if since is not None:
        windows = [window] if window else list(last)
        found = tuple(Since(each, since, None) for each in windows)
    else:
        found = tuple(Since(each, lock.locked_at, lock) for each, lock in last.items() if window in {None, each})
    if not found:
        period = f"{window.start:%Y-%m} is not locked" if window else "no period is locked"
        raise UsageError(f"{period}; give --period and --since, or lock it with perunit reconcile lock")
    return found


def restated(
    engine: Engine, contract: Contract, since: Since, known_at: Callable[[datetime], AbstractContextManager[None]]
) -> tuple[Restatement, ...]:
    """Every restatement of a period, oldest first; `known_at` lets the engine see what was known at an instant."""
    changes = changes_since(engine, since.window, since.at)
    period = f"{since.window.start:%Y-%m}"
    with known_at(since.at):
        before = closing_figures(engine, contract, since.window)
    found = []
    if since.lock is not None:
        rules = _differences(figures_of(engine, since.lock), before)
        if rules:
            what = ("perunit.yaml: its rules of today give other figures for the facts of then",)
            found.append(Restatement(period, "contract", what, since.at, rules))
    for change in changes:
        after = _after(engine, contract, since, change, known_at)
        found.append(Restatement(period, change.cause, change.what, change.at, _differences(before, after)))
        before = after
    return tuple(found)


def _after(
    engine: Engine,
    contract: Contract,
    since: Since,
    change: Change,
    known_at: Callable[[datetime], AbstractContextManager[None]],
) -> _Figures:
    with known_at(change.at):
        return closing_figures(engine, contract, since.window)


def _differences(before: _Figures, after: _Figures) -> tuple[Difference, ...]:
    return tuple(
        Difference(key, _decimal(before.get(key)), _decimal(after.get(key)))
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def unreproduced(
    engine: Engine, contract: Contract, known_at: Callable[[datetime], AbstractContextManager[None]]
) -> dict[str, Any] | None:
    """The first figure of a lock that the facts known at its time do not give again; None where all do."""
    for lock in locks_of(engine):
        kept = figures_of(engine, lock)
        with known_at(lock.locked_at):
            again = closing_figures(engine, contract, lock.window)
        for each in _differences(kept, again):
            broken: dict[str, Any] = plain_value(each)
            return {"lock_id": lock.lock_id, "period": lock.period, **broken}
    return None
