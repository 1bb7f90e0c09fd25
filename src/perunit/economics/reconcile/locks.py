"""Locks: billing periods whose figures stand. Enters: figures as exact text. Leaves: `locks` and `lock_figures`.

A lock stops nothing from coming in. It keeps what the period came to, so that every later change is a restatement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.model.errors import CheckFailedError, UsageError
from perunit.model.money import plain
from perunit.model.window import Window, closed_bounds, naive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perunit.economics.reconcile.tie_out import TieOut
    from perunit.engine.duckdb import Engine

__all__ = ["Figure", "Lock", "figures_of", "lock_period", "locks_of", "refuse_open"]


@dataclass(frozen=True, slots=True, order=True)
class Figure:
    """What a figure is of: a measure, the cost of a service and account, or an invoice; `name` says which."""

    about: str
    name: str
    figure: str
    currency: str


@dataclass(frozen=True, slots=True)
class Lock:
    """One row of `locks`; `invoice_issuer_name` None locks the period for every issuer."""

    lock_id: int
    window: Window
    invoice_issuer_name: str | None
    actor: str
    reason: str
    locked_at: datetime

    @property
    def period(self) -> str:
        """The period's name, such as 2026-05."""
        return f"{self.window.start:%Y-%m}"


def refuse_open(tied: TieOut, issuer: str | None) -> None:
    """Raises CheckFailedError with every invoice (of one issuer, if named) that does not tie out."""
    lines = [line for line in tied.invoices if issuer in {None, line.invoice_issuer_name}]
    period = f"{tied.window.start:%Y-%m}"
    if not lines:
        raise CheckFailedError(f"{period} has no invoice{f' of {issuer}' if issuer else ''}; there is nothing to lock")
    wrong = []
    for line in lines:
        if line.ties:
            continue
        left = "" if line.difference is None else f" by {plain(line.difference)} {line.billing_currency}"
        wrong.append(f"{line.invoice_id or f'{line.lines:,} lines'}: {line.status}{left}")
    if wrong:
        mend = "mend the bill, tell the total, or accept the difference; then lock"
        raise CheckFailedError(f"{period} does not tie out ({'; '.join(wrong)}); {mend}")


def lock_period(
    engine: Engine,
    window: Window,
    figures: Mapping[Figure, str | None],
    *,
    issuer: str | None,
    actor: str,
    reason: str,
    now: datetime,
) -> Lock:
    """Keeps the figures of a period; a later lock of the same period takes the place of this one."""
    for what, text in (("--reason", reason), ("--actor", actor)):
        if not text.strip():
            raise UsageError(f"{what}: is empty, must say it; a lock without it explains nothing")
    lock_id = engine.value("SELECT coalesce(max(lock_id), 0) + 1 FROM locks")
    lock = Lock(lock_id, window, issuer, actor, reason, now)
    rows = [(lock_id, key.about, key.name, key.figure, key.currency, amount) for key, amount in figures.items()]
    names = ("lock_id", "about", "name", "figure", "currency", "amount")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=_FIGURES)
    engine.register("figures_to_lock", table)
    try:
        with engine.transaction():
            values = {"id": lock_id, "issuer": issuer, "actor": actor, "reason": reason, "now": naive(now)}
            engine.execute(
                "INSERT INTO locks VALUES ($id, $start, $end, $issuer, $actor, $reason, $now)",
                values | closed_bounds(window),
            )
            engine.execute("INSERT INTO lock_figures BY NAME SELECT * FROM figures_to_lock")
    finally:
        engine.unregister("figures_to_lock")
    return lock


_FIGURES = pa.schema(
    [("lock_id", pa.int32()), *((name, pa.string()) for name in ("about", "name", "figure", "currency", "amount"))]
)


def locks_of(engine: Engine) -> tuple[Lock, ...]:
    """Every lock, in the order they were made."""
    rows = engine.rows("SELECT * FROM locks ORDER BY lock_id")
    return tuple(
        Lock(lock_id, Window(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)), issuer, actor, reason,
             at.replace(tzinfo=UTC))
        for lock_id, start, end, issuer, actor, reason, at in rows
    )  # fmt: skip


def figures_of(engine: Engine, lock: Lock) -> dict[Figure, str | None]:
    """The figures a lock keeps."""
    rows = engine.rows(
        "SELECT about, name, figure, currency, amount FROM lock_figures WHERE lock_id = $id ORDER BY ALL",
        {"id": lock.lock_id},
    )
    return {Figure(*key): amount for *key, amount in rows}
