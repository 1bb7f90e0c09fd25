"""Stored sums under other prices. Enters: rollups, price books with a draft among them. Leaves: for a while, tables
in which every measure says what it would have been; the project's own tables stay as they are.

Cost is quantity × unit price, so sums are enough: windows between two price changes are added up first and priced
once, which takes about as long as adding them up. Only an hour within which a new price begins is read from events.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from perunit.economics.price.books import sync_books
from perunit.economics.price.card import build_card, scope_meters
from perunit.economics.price.tiers import charge_tiers, has_tiers
from perunit.economics.rollup.compute import define_windows, prepare, usage_sql
from perunit.engine.duckdb import identifier
from perunit.engine.files import sql_text
from perunit.model.errors import UsageError
from perunit.model.window import Window, naive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from perunit.contract.prices import PriceBook
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["Amount", "changes_past", "past_amounts", "replayed"]

_ROOM = "economics.price"
_OWN_COPIES = ("price_books", "price_approvals", "rates")
_SCOPES = ("scope_events", "scope_duplicates", "lens_events")
_BEGINNING, _FOREVER = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - as the store keeps them


@contextmanager
def replayed(
    engine: Engine,
    contract: Contract,
    books: tuple[PriceBook, ...],
    now: datetime,
    window: Window,
    *,
    rates_of: datetime | None = None,
) -> Iterator[None]:
    """Lets unqualified names mean the stored sums of whole hours of `window`, priced by `books`.

    With `rates_of` the rates in force at that instant price the whole window. Rows of `rollup_priced` then stand
    for a stretch of windows of one price. Raises UsageError where the window cuts an hour.
    """
    _refuse_cut_hours(window)
    own = engine.value("SELECT current_database()")
    # A name of its own: others may replay at the same time, on other connections to the same database.
    name = engine.attach("replayed")
    _fill(engine, own, name)
    try:
        sync_books(engine, books, now)
        if rates_of is not None:
            _hold(engine, rates_of)
        _stretches(engine, own, name, contract, window)
        _price(engine, contract)
        yield
    finally:
        for view in _SCOPES:
            engine.execute(f"DROP VIEW IF EXISTS temp.{view}")
        engine.execute(f"USE {identifier(own)}")
        engine.detach(name)
        prepare(engine)


def _refuse_cut_hours(window: Window) -> None:
    for option, side in (("--from", window.start), ("--to", window.end)):
        if side is not None and (side.minute or side.second or side.microsecond):
            raise UsageError(f"{option}: got {side.isoformat()}, must be a full hour; sums are kept by the hour")


def _refuse_cut_months(window: Window) -> None:
    for option, side in (("--from", window.start), ("--to", window.end)):
        if side is not None and (side.day, side.hour) != (1, 0):
            rule = "must be the start of a month; prices by volume are of whole months"
            raise UsageError(f"{option}: got {side.isoformat()}, {rule}")


def _fill(engine: Engine, own: str, name: str) -> None:
    tables = engine.rows(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = $own AND NOT internal AND NOT temporary",
        {"own": own},
    )
    # Views of this connection over the own tables must not outlive the change of names.
    for view in _SCOPES:
        engine.execute(f"DROP VIEW IF EXISTS temp.{view}")
    engine.execute(f"USE {identifier(name)}")
    for (table,) in tables:
        source = f"{identifier(own)}.main.{identifier(table)}"
        if table == "rollup_priced":
            engine.execute(f"CREATE TABLE rollup_priced AS SELECT * FROM {source} WHERE false")
            engine.execute(f"CREATE VIEW stored_priced AS SELECT * FROM {source}")
        elif table in _OWN_COPIES:
            engine.execute(f"CREATE TABLE {identifier(table)} AS SELECT * FROM {source}")
        else:
            engine.execute(f"CREATE VIEW {identifier(table)} AS SELECT * FROM {source}")


def _hold(engine: Engine, instant: datetime) -> None:
    """Lets the rates of one instant be those of all time."""
    at = {"at": naive(instant)}
    held = "effective_from <= $at AND (effective_to IS NULL OR effective_to > $at)"
    engine.execute(f"DELETE FROM rates WHERE NOT ({held})", at)
    engine.execute("UPDATE rates SET effective_from = TIMESTAMP '0001-01-01', effective_to = NULL")


def _stretches(engine: Engine, own: str, name: str, contract: Contract, window: Window) -> None:
    instants = " UNION ".join(
        f"SELECT {side} AS instant FROM {home}.rates r JOIN {home}.price_books b USING (book, version) "
        f"WHERE b.withdrawn_at IS NULL AND {side} IS NOT NULL"
        for home in (f"{identifier(own)}.main", f"{identifier(name)}.main")
        for side in ("effective_from", "effective_to")
    )
    engine.execute(f"CREATE OR REPLACE TEMP TABLE replay_instants AS {instants}")
    if has_tiers(engine):
        # A month's charge is split over windows; only windows by themselves have the digits that are stored.
        _refuse_cut_months(window)
        engine.execute("INSERT INTO replay_instants SELECT DISTINCT window_start FROM rollup")
    _cut_hours(engine, own, contract)
    bounds = {
        "start": naive(window.start) if window.start else _BEGINNING,
        "end": naive(window.end) if window.end else _FOREVER,
    }
    engine.execute(f"CREATE OR REPLACE TEMP TABLE replay_windows AS {sql_text(_ROOM, 'replay_windows')}", bounds)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE replay_covered AS {sql_text(_ROOM, 'replay_covered')}")


def _cut_hours(engine: Engine, own: str, contract: Contract) -> None:
    """Sums the hours anew from their events in which a price begins that the stored sums are not cut at."""
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE replay_hours AS "
        "SELECT DISTINCT CAST(date_trunc('hour', i.instant) AS TIMESTAMP) AS hour FROM replay_instants i "
        "WHERE i.instant <> date_trunc('hour', i.instant) AND i.instant NOT IN (SELECT window_start FROM rollup) "
        "AND date_trunc('hour', i.instant) IN (SELECT date_trunc('hour', window_start) FROM rollup)"
    )
    if not engine.value("SELECT count(*) FROM replay_hours"):
        return
    within = "WHERE date_trunc('hour', event_time) IN (SELECT hour FROM replay_hours)"
    define_windows(engine, [at for (at,) in engine.rows("SELECT instant FROM replay_instants ORDER BY 1 DESC")])
    for facts in ("events", "duplicates"):
        engine.execute(f"CREATE OR REPLACE TEMP VIEW scope_{facts} AS SELECT * FROM {facts} {within}")
    fresh = {"rollup": sql_text("economics.rollup", "rollup"), "rollup_usage": usage_sql(contract.meter_names())}
    for table, sql in fresh.items():
        engine.execute(f"CREATE OR REPLACE TEMP TABLE replay_cut_{table} AS {sql}")
        engine.execute(
            f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM {identifier(own)}.main.{table} "
            "WHERE date_trunc('hour', window_start) NOT IN (SELECT hour FROM replay_hours) "
            f"UNION ALL BY NAME SELECT * FROM temp.replay_cut_{table}"
        )


def _price(engine: Engine, contract: Contract) -> None:
    engine.execute(f"CREATE OR REPLACE TEMP TABLE replay_usage AS {sql_text(_ROOM, 'replay_usage')}")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE fresh_rollup AS {sql_text(_ROOM, 'replay_amounts')}")
    for covered in (True, False):
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE fresh_usage AS SELECT * EXCLUDE (covered) FROM replay_usage "
            f"WHERE covered = {covered}"
        )
        scope_meters(engine)
        if covered:
            engine.execute("DELETE FROM scope_meters WHERE starts_with(meter, '@')")
        build_card(engine, contract)
        engine.insert("rollup_priced", _ROOM, "rollup_priced")
        if covered:
            engine.execute("UPDATE rollup_priced SET superseded = true WHERE kind = 'cost'")
    charge_tiers(engine)


def changes_past(engine: Engine) -> tuple[datetime, datetime] | None:
    """The first and last stretch whose price the replay at hand changes, None where it changes none."""
    first, last = engine.rows(f"SELECT min(stretch), max(stretch) FROM ({sql_text(_ROOM, 'replay_changed')})")[0]
    return None if first is None else (first, last)


@dataclass(frozen=True, slots=True)
class Amount:
    """What rates of one kind make of all usage in one currency, as stored and as replayed; without superseded cost."""

    kind: str
    currency: str
    stored: Decimal
    replayed: Decimal


def past_amounts(engine: Engine) -> tuple[Amount, ...]:
    """The amounts of all priced usage before and under the replay at hand, whichever unit type it belongs to."""
    sums = " UNION ALL ".join(
        f"SELECT kind, currency, {stored} AS stored, {replay} AS replayed FROM {table} WHERE amount IS NOT NULL "
        "AND NOT superseded"
        for table, stored, replay in (("stored_priced", "amount", "0"), ("rollup_priced", "0", "amount"))
    )
    rows = engine.rows(
        f"SELECT kind, currency, sum(stored), sum(replayed) FROM ({sums}) GROUP BY kind, currency ORDER BY ALL"
    )
    return tuple(Amount(*row) for row in rows)
