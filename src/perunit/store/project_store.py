"""Opens a project's data. Enters: a directory and the contract's names. Leaves: an engine on its tables.

One process at a time owns a project: a lock file says which. Columns are added as the contract grows, never removed.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from perunit.engine.duckdb import Engine, identifier
from perunit.engine.files import sql_text
from perunit.model.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "FILE_NAME",
    "LOCK_NAME",
    "SOCKET_NAME",
    "add_columns",
    "announce",
    "create_tables",
    "open_store",
    "room_needed",
]

FILE_NAME = "perunit.duckdb"
LOCK_NAME = "perunit.lock"
SOCKET_NAME = "perunit.sock"
_VERSION = "3"
_WEIGHT = "ADD COLUMN IF NOT EXISTS weight DECIMAL(38, 18) DEFAULT 1"
# Version → what brings its tables to the next one, after every new table was made. Only ever adds.
# What was counted before there were weights was counted whole.
_MIGRATIONS = {
    "2": (
        "ALTER TABLE batches ADD COLUMN IF NOT EXISTS ignored BIGINT DEFAULT 0",
        "INSERT OR IGNORE INTO store_state SELECT 'summed', CAST(coalesce(max(batch_id), 0) AS VARCHAR) FROM batches",
        "INSERT OR IGNORE INTO store_state SELECT 'changes', CAST(count(*) AS VARCHAR) FROM store_state "
        "WHERE key = 'stale'",
        "INSERT OR IGNORE INTO store_state VALUES ('changes_summed', '0')",
        "DELETE FROM store_state WHERE key = 'stale'",
        "ALTER TABLE events ADD COLUMN IF NOT EXISTS sampled_by VARCHAR",
        *(f"ALTER TABLE {table} {_WEIGHT}" for table in ("cells", "units", "rollup_units", "unit_days")),
    )
}
# Added without a new version of the data: whoever does not know it has no use for it.
_IDENTITIES = (
    "CREATE TABLE IF NOT EXISTS identities "
    "(unit_type VARCHAR NOT NULL, pseudonym VARCHAR NOT NULL, sealed VARCHAR NOT NULL)"
)
_SEALED = tuple(
    (table, "sealed", "VARCHAR") for table in ("waiting_spans", "label_sets", "stripe_objects", "stripe_waiting")
)
_NO_ROOM = (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException)


@contextmanager
def open_store(
    data: Path, unit_types: tuple[str, ...], dimensions: tuple[str, ...], meters: tuple[str, ...], *, purpose: str
) -> Iterator[Engine]:
    """The engine on the project's data, made where there is none; `purpose` tells others who holds it.

    Raises StoreBusyError while another process holds the project, StoreError where it cannot be opened.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{data}: cannot be made ({error.strerror}); choose a directory you can write to") from error
    with _held(data / LOCK_NAME, purpose):
        engine = _open(data / FILE_NAME)
        try:
            with room_needed(data):
                _prepare(engine, unit_types, dimensions, meters)
                yield engine
        finally:
            engine.close()


@contextmanager
def room_needed(data: Path) -> Iterator[None]:
    """Around what the engine writes: what the disk or memory refuses is a StoreError."""
    try:
        yield
    except duckdb.Error as error:
        if not isinstance(error, _NO_ROOM) and "Failed to commit" not in str(error):
            raise
        reason = str(error).splitlines()[0]
        mend = "free space or memory and run again; whole groups that were committed are kept"
        raise StoreError(f"{data}: cannot be written ({reason}); {mend}") from error


@contextmanager
def _held(lock: Path, purpose: str) -> Iterator[None]:
    try:
        # Unbuffered, so that a full disk is found where it is written to and not again where it is closed.
        file = lock.open("ab+", buffering=0)
    except OSError as error:
        raise StoreError(f"{lock}: cannot be opened ({error.strerror}); correct its rights") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "purpose": purpose}).encode())
        except BlockingIOError as error:
            raise _busy(lock) from error
        except OSError as error:
            raise StoreError(f"{lock}: cannot be written ({error.strerror}); free space and run again") from error
        yield
        file.truncate(0)


def announce(data: Path, address: str) -> None:
    """Tells others where the server answers that holds the project: this process, which must hold its lock."""
    said = json.dumps({"pid": os.getpid(), "purpose": "serve", "address": address})
    try:
        (data / LOCK_NAME).write_text(said, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{data / LOCK_NAME}: cannot be written ({error.strerror}); free space") from error


def _busy(lock: Path) -> StoreBusyError:
    """Who holds the project, as far as its lock says."""
    try:
        held = json.loads(lock.read_text(encoding="utf-8"))
    except ValueError:
        return StoreBusyError(f"{lock.parent}: another process holds the project; wait until it has ended")
    holder = f"{lock.parent}: process {held['pid']} ('perunit {held['purpose']}') holds the project"
    if address := held.get("address"):
        message = f"{holder} and answers at {address}; stop it to do this without it"
        return StoreBusyError(message, address=address, socket=lock.parent / SOCKET_NAME)
    return StoreBusyError(f"{holder}; wait until it has {'started' if held['purpose'] == 'serve' else 'ended'}")


def _open(path: Path) -> Engine:
    try:
        return Engine(path)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"{path}: cannot be opened ({reason}); restore it from a backup") from error


def _prepare(engine: Engine, unit_types: tuple[str, ...], dimensions: tuple[str, ...], meters: tuple[str, ...]) -> None:
    # Large groups are written out as they are appended; what is left in the log is small until the store is closed.
    engine.execute("SET checkpoint_threshold = '1GB'")
    engine.execute("SET preserve_insertion_order = false")
    if not engine.value("SELECT count(*) FROM information_schema.tables WHERE table_name = 'store_state'"):
        with engine.transaction():
            create_tables(engine)
    _migrate(engine)
    engine.execute(_IDENTITIES)
    with engine.transaction():
        add_columns(engine, unit_types, dimensions, meters)
        _renew_keys(engine)


def create_tables(engine: Engine) -> None:
    """The tables of an empty project."""
    engine.execute(sql_text("store", "schema"))
    engine.execute("INSERT INTO store_state VALUES ('version', $version)", {"version": _VERSION})
    engine.execute("INSERT INTO store_state VALUES ('summed', '0'), ('changes', '0'), ('changes_summed', '0')")


def _migrate(engine: Engine) -> None:
    """Brings tables of an earlier version to this one; raises StoreError for a version that is not known."""
    version = engine.value("SELECT value FROM store_state WHERE key = 'version'")
    if version == _VERSION:
        return
    if version not in _MIGRATIONS:
        raise StoreError(
            f"the data has version {version}, this perunit reads version {_VERSION}; use a matching perunit"
        )
    with engine.transaction():
        engine.execute(sql_text("store", "schema"))
        for statement in _MIGRATIONS[version]:
            engine.execute(statement)
        engine.execute("UPDATE store_state SET value = $version WHERE key = 'version'", {"version": _VERSION})


def add_columns(
    engine: Engine, unit_types: tuple[str, ...], dimensions: tuple[str, ...], meters: tuple[str, ...]
) -> None:
    """Gives every unit type its bit, and cells and events the columns of the contract's names."""
    taken = engine.value("SELECT coalesce(max(bit), -1) FROM unit_types")
    known = {unit for (unit,) in engine.rows("SELECT unit_type FROM unit_types")}
    for bit, unit in enumerate((unit for unit in unit_types if unit not in known), taken + 1):
        engine.execute("INSERT INTO unit_types VALUES ($unit, $bit)", {"unit": unit, "bit": bit})
    wanted = [("events", f"unit_{unit}", "VARCHAR") for unit in unit_types]
    wanted += [("events", f"usage_{meter}", "DECIMAL(38, 9)") for meter in meters]
    wanted += [("cells", f"{part}_{d}", "VARCHAR") for d in dimensions for part in ("segment", "shown")]
    present = set(engine.rows("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"))
    for table, column, type_ in (*wanted, *_SEALED):
        if (table, column) not in present:
            engine.execute(f"ALTER TABLE {table} ADD COLUMN {identifier(column)} {type_}")


def _renew_keys(engine: Engine) -> None:
    """Recomputes event_key, and forgets payload_hash, where this engine hashes otherwise than the one that wrote it.

    The engine's hash is fast but no promise between its versions; a changed one would let duplicates through.
    """
    probe = str(engine.value("SELECT hash('perunit', 'probe')"))
    stored = engine.value("SELECT value FROM store_state WHERE key = 'hash_probe'")
    if stored == probe:
        return
    if stored is not None:
        engine.execute(
            "UPDATE events SET event_key = hash(c.source, events.id), payload_hash = NULL "
            "FROM cells c WHERE c.cell_id = events.cell_id"
        )
    engine.execute("INSERT OR REPLACE INTO store_state VALUES ('hash_probe', $probe)", {"probe": probe})
