"""Takes the project's price books into the store. Enters: books as read.
Leaves: rows in `price_books`, `price_approvals` and `rates`.

A version that was loaded stays as it was: other content under the same version is refused, because it would
re-price every past figure without a trace. The highest version of a book is in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.model.errors import ConfigurationError, Fault
from perunit.model.window import naive

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.contract.prices import PriceBook
    from perunit.engine.duckdb import Engine

__all__ = ["insert_rates", "sync_books"]


def sync_books(engine: Engine, books: tuple[PriceBook, ...], now: datetime) -> bool:
    """Loads new versions and withdraws what is no longer in force; whether the rates in force changed."""
    loaded = {
        (book, version): digest
        for book, version, digest in engine.rows("SELECT book, version, digest FROM price_books")
    }
    faults = [
        Fault(
            book.file, None, f"book {book.name} version {book.version}", "", "was changed after it was loaded",
            f"restore it and write version {book.version + 1}",
        )
        for book in books
        if loaded.get((book.name, book.version), book.digest) != book.digest
    ]  # fmt: skip
    faults += _changed_approvals(engine, books)
    if faults:
        raise ConfigurationError(faults)
    changed = False
    for book in books:
        if (book.name, book.version) not in loaded:
            _load(engine, book, now)
            changed = True
        _record_approval(engine, book, now)
    return _set_in_force(engine, books, now) or changed


def _changed_approvals(engine: Engine, books: tuple[PriceBook, ...]) -> list[Fault]:
    """An approval is a record: one that was seen stays as it was."""
    known = {
        (book, version): said
        for book, version, *said in engine.rows("SELECT book, version, actor, reason FROM price_approvals")
    }
    return [
        Fault(
            book.file, None, "approval", "", "was changed after it was recorded",
            "restore it; to change who approves what, approve a new version",
        )
        for book in books
        if (said := known.get((book.name, book.version)))
        and (book.approval is None or [book.approval.actor, book.approval.reason] != said)
    ]  # fmt: skip


def _record_approval(engine: Engine, book: PriceBook, now: datetime) -> None:
    if (approval := book.approval) is None:
        return
    engine.execute(
        "INSERT INTO price_approvals "
        "SELECT $book, $version, $actor, $reason, $approved_at, $reprices_past, $rolled_back_to, $now "
        "WHERE NOT EXISTS (SELECT 1 FROM price_approvals WHERE book = $book AND version = $version)",
        {"book": book.name, "version": book.version, **approval.model_dump()}
        | {"approved_at": naive(approval.approved_at), "now": naive(now)},
    )


def _load(engine: Engine, book: PriceBook, now: datetime) -> None:
    engine.execute(
        "INSERT INTO price_books VALUES ($book, $version, $digest, $file, $now, NULL, $content)",
        {"book": book.name, "version": book.version, "digest": book.digest, "file": book.file}
        | {"now": naive(now), "content": book.content},
    )
    rates: list[dict[str, object]] = [
        {
            "rate_id": rate.rate_id,
            "book": book.name,
            "version": book.version,
            "kind": rate.kind,
            "meter": rate.meter,
            "event_type": rate.event_type,
            "conditions": sorted(rate.conditions.items()),
            "price": rate.price,
            "per": rate.per,
            "unit": rate.unit,
            "currency": rate.currency,
            "unit_price": rate.unit_price,
            "adjusts": rate.adjusts,
            "tiers": rate.tiers,
            "effective_from": naive(rate.effective_from),
            "effective_to": naive(rate.effective_to) if rate.effective_to else None,
        }
        for rate in book.rates
    ]
    if rates:
        insert_rates(engine, rates)


def insert_rates(engine: Engine, rates: list[dict[str, object]]) -> None:
    """Adds rows to `rates`, each as column → value."""
    engine.register("fresh_rates", pa.Table.from_pylist(rates, schema=_RATE_SCHEMA))
    engine.execute("INSERT INTO rates BY NAME FROM fresh_rates")
    engine.unregister("fresh_rates")


_RATE_SCHEMA = pa.schema(
    [
        ("rate_id", pa.string()),
        ("book", pa.string()),
        ("version", pa.int32()),
        ("kind", pa.string()),
        ("meter", pa.string()),
        ("event_type", pa.string()),
        ("conditions", pa.map_(pa.string(), pa.string())),
        ("price", pa.decimal128(38, 15)),
        ("per", pa.decimal128(38, 9)),
        ("unit", pa.string()),
        ("currency", pa.string()),
        ("unit_price", pa.decimal128(38, 15)),
        ("adjusts", pa.string()),
        ("base_rate_id", pa.string()),
        ("tiers", pa.string()),
        ("effective_from", pa.timestamp("us")),
        ("effective_to", pa.timestamp("us")),
    ]
)


def _set_in_force(engine: Engine, books: tuple[PriceBook, ...], now: datetime) -> bool:
    """Marks the highest version of each book as in force and all else as withdrawn."""
    highest: dict[str, int] = {}
    for book in books:
        highest[book.name] = max(book.version, highest.get(book.name, 0))
    changed = False
    for name, version, withdrawn in engine.rows("SELECT book, version, withdrawn_at IS NOT NULL FROM price_books"):
        in_force = highest.get(name) == version
        if in_force == withdrawn:
            engine.execute(
                "UPDATE price_books SET withdrawn_at = $at WHERE book = $book AND version = $version",
                {"at": None if in_force else naive(now), "book": name, "version": version},
            )
            changed = True
    return changed
