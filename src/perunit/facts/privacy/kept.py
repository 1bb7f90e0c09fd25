"""What becomes later of text that is kept sealed, but for quarantine. Enters: a store, what opens its text. Leaves: the
store without the rows that name somebody, or sealed under another key; the caller holds the transaction.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.facts.privacy.pseudonyms import WITHIN_LENGTH_MIN
from perunit.facts.privacy.sealing import is_sealed
from perunit.facts.privacy.seals import LABELS, SPAN, STRIPE_OBJECT, STRIPE_ROW, TRACE_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.sealing import Sealer

__all__ = ["OPENED", "erase_kept", "reseal_kept"]

# Where it stands: table → its column, and what it is bound to.
_KEPT = {
    "waiting_spans": ("sealed", SPAN),
    "trace_values": ("value", TRACE_VALUE),
    "label_sets": ("sealed", LABELS),
    "stripe_objects": ("sealed", STRIPE_OBJECT),
    "stripe_waiting": ("sealed", STRIPE_ROW),
}
# Money that waits stays, and a charge that is known: they only stop saying whose they are.
_MONEY = ("stripe_objects", "stripe_waiting")
# What of it says whose it is.
_SAYING = ("charge", "payment_intent", "invoice", "subscription", "customer", "account", "reason", "follows")
# What a connection has opened of it for the rows that it took in last, or not sealed yet.
OPENED = frozenset(
    {"label_news", "measured", "opened_labels", "opened_objects", "opened_rows", "opened_spans", "opened_values"}
    | {"stripe_arrived", "stripe_released", "trace_known", "trace_news", "trace_released", "tracked"}
)


def erase_kept(engine: Engine, sealer: Sealer, raw: str) -> None:
    """Drops what waits of a person, and what traces and labels have said of it.

    An id that is short is found only where it is a whole value, as where pseudonyms are put in: `7` is in every number.
    """
    for table, (_, purpose) in _KEPT.items():
        opened = [(place, sealer.open(text, purpose)) for place, text in _sealed(engine, table)]
        named = {place: text for place, text in opened if _says(purpose, text, raw)}
        if table in _MONEY:
            silent = [(place, sealer.seal(_silenced(text, raw), purpose)) for place, text in named.items()]
            _put(engine, table, silent)
        else:
            engine.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT unnest($named))", {"named": list(named)})


def reseal_kept(engine: Engine, old: Sealer, new: Sealer) -> None:
    """Seals it anew; what it is found by stays."""
    for table, (_, purpose) in _KEPT.items():
        rows = _sealed(engine, table)
        _put(engine, table, [(place, new.seal(old.open(text, purpose), purpose)) for place, text in rows])


def _put(engine: Engine, table: str, sealed: list[tuple[int, str]]) -> None:
    """Other text at the places."""
    if not sealed:
        return
    column, _ = _KEPT[table]
    places, texts = pa.array([place for place, _ in sealed], pa.int64()), pa.array([text for _, text in sealed])
    engine.register("kept_anew", pa.table({"place": places, "text": texts}))
    engine.execute(f"UPDATE {table} SET {column} = k.text FROM kept_anew k WHERE {table}.rowid = k.place")
    engine.unregister("kept_anew")


def _sealed(engine: Engine, table: str) -> list[tuple[int, str]]:
    """(place, text) of the rows that are sealed; places hold until something of the table is changed."""
    column, _ = _KEPT[table]
    found = engine.rows(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL")
    return [(place, text) for place, text in found if is_sealed(text)]


def _says(purpose: str, text: str, raw: str) -> bool:
    return _names([text] if purpose == TRACE_VALUE else _texts(text), raw)


def _silenced(text: str, raw: str) -> str:
    """A row of Stripe's, or what is known of one, without the values that name a person."""
    row = json.loads(text)
    for name in _SAYING:
        if _names([row.get(name) or ""], raw):
            row[name] = None
    row["metadata"] = {key: value for key, value in row["metadata"].items() if not _names([key, value or ""], raw)}
    return json.dumps(row)


def _names(texts: list[str], raw: str) -> bool:
    return any(raw == text or (len(raw) >= WITHIN_LENGTH_MIN and raw in text) for text in texts)


def _texts(text: str) -> list[str]:
    return list(_within(json.loads(text)))


def _within(value: object) -> Iterator[str]:
    """Every text in a JSON value; of text that is JSON itself, also those in it."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _within(each)
    elif isinstance(value, list):
        for each in value:
            yield from _within(each)
    elif isinstance(value, str):
        yield value
        if value[:1] in {"[", "{"}:
            yield from _written(value)


def _written(text: str) -> Iterator[str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from _within(value)
