"""What came since. Enters: a period and an instant. Leaves: every fact that came after it and is about the period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from perunit.engine.files import sql_text
from perunit.model.window import Window, closed_bounds, naive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from perunit.engine.duckdb import Engine

__all__ = ["Change", "changes_since"]

_EVENTS = frozenset({"events", "late events"})


@dataclass(frozen=True, slots=True)
class Change:
    """Facts that came together: what they were, and when the last of them came (aware UTC)."""

    cause: str
    what: tuple[str, ...]
    at: datetime


def changes_since(engine: Engine, window: Window, since: datetime) -> tuple[Change, ...]:
    """The changes in the order they came; those of one instant, and batches with nothing between them, are one."""
    values = closed_bounds(window) | {"since": naive(since)}
    rows = engine.rows(sql_text("economics.reconcile", "changes"), values)
    at_once = []
    for at, group in groupby(rows, key=lambda row: row[0]):
        changes = list(group)
        causes = " and ".join(dict.fromkeys(cause for _, cause, _ in changes))
        at_once.append(Change(causes, tuple(what for *_, what in changes), at.replace(tzinfo=UTC)))
    return tuple(_merged(at_once))


def _merged(changes: Iterable[Change]) -> Iterator[Change]:
    """Batches that follow on each other as one change: each would cost a computation of its own."""
    for are_events, group in groupby(changes, key=lambda change: change.cause in _EVENTS):
        if not are_events:
            yield from group
            continue
        together = list(group)
        cause = "late events" if any(change.cause == "late events" for change in together) else "events"
        yield Change(cause, tuple(what for change in together for what in change.what), together[-1].at)
