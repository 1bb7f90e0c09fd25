"""Opens the control database. Enters: the data directory, or a PostgreSQL's URL. Leaves: sessions on its tables.

Several processes may have it open at once: the server and whatever command line is used beside it.
"""

from __future__ import annotations

import os
import threading
import weakref
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import QueuePool

from perunit.model.errors import StoreError
from perunit.store.control.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL, Connection, Engine

__all__ = ["CONTROL_NAME", "URL_VARIABLE", "ControlStore", "hold", "in_memory", "open_control"]

CONTROL_NAME = "control.db"
URL_VARIABLE = "PERUNIT_CONTROL_URL"
_BUSY_SECONDS = 15
_BEGIN = "perunit_begin"


class ControlStore:
    """The control database, opened and migrated when it is first used. Any thread may use it."""

    def __init__(self, url: URL, **options: Any) -> None:
        self._url, self._options = url, options
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        if self._url.get_backend_name() == "sqlite":
            return self._url.database or "memory"
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction that may write; committed at the end, undone by an exception.

        On SQLite it has the one right to write from its start: a transaction that reads first and then writes would
        fail where another wrote between. Inside it no other may be opened.
        """
        with self._session("IMMEDIATE") as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; it waits for nobody, and what is written in it is not kept."""
        with self._session("DEFERRED") as session:
            yield session

    def open(self) -> ControlStore:
        """Opens and migrates it now. Raises StoreError where that cannot be."""
        self._opened()
        return self

    def close(self) -> None:
        """Closes what connections it has; it opens again when it is used."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @contextmanager
    def _session(self, begin: str) -> Iterator[Session]:
        bound = self._opened().execution_options(**{_BEGIN: begin})
        try:
            with sessionmaker(bound, expire_on_commit=False)() as session:
                yield session
                if begin == "IMMEDIATE":
                    session.commit()
        except DatabaseError as error:
            # Of what is broken only the database's own state is the reader's to mend; a broken constraint is a bug.
            if type(error) in {OperationalError, DatabaseError}:
                raise self._failed(error) from error
            raise

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                engine = _engine(self._url, **self._options)
                # Whoever forgets to close it leaves no connection behind.
                end = weakref.finalize(self, engine.dispose)
                try:
                    self._migrate(engine)
                    self._engine = engine
                finally:
                    if self._engine is None:
                        end()
            return self._engine

    def _migrate(self, engine: Engine) -> None:
        try:
            with engine.execution_options(**{_BEGIN: "IMMEDIATE"}).begin() as connection:
                hold(connection, "migrations")
                migrate(connection)
        except DatabaseError as error:
            raise self._failed(error) from error

    def _failed(self, error: DatabaseError) -> StoreError:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "it cannot be reached"
        return StoreError(f"control database {self.place}: {reason}; mend that and try again, what was committed stays")


def open_control(data_dir: Path, url: str | None = None) -> ControlStore:
    """The control database in `data_dir`, or the PostgreSQL at `url`; brought to this version.

    Raises StoreError where it cannot be opened, or is of a later version.
    """
    if url is not None:
        return ControlStore(_postgres(url), pool_pre_ping=True).open()
    path = data_dir / CONTROL_NAME
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        # Hashes of passwords are in it, so it is its owner's alone from the first byte on.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if path.stat().st_uid == os.geteuid():
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened ({error.strerror}); correct the directory's rights") from error
    return ControlStore(make_url("sqlite+pysqlite://").set(database=str(path))).open()


def in_memory() -> ControlStore:
    """One that lasts as long as it is used; for a perunit without a place to keep it."""
    # One connection, because each would have a database of its own.
    options: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": _BUSY_SECONDS}
    options["connect_args"] = {"check_same_thread": False}
    return ControlStore(make_url("sqlite+pysqlite://"), **options)


def hold(connection: Connection | Session, name: str) -> None:
    """Keeps everyone else out of what `name` stands for until the transaction ends.

    SQLite's transactions that may write do so anyway.
    """
    dialect = connection.get_bind().dialect if isinstance(connection, Session) else connection.dialect
    if dialect.name == "postgresql":
        number = zlib.crc32(f"perunit {name}".encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _postgres(url: str) -> URL:
    mend = f"set {URL_VARIABLE} to postgresql://USER:PASSWORD@HOST/DATABASE"
    try:
        found = make_url(url)
    except ArgumentError:
        # Its text may hold a password.
        raise StoreError(f"control database: the URL cannot be read as one; {mend}") from None
    if found.drivername not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise StoreError(f"control database: got {found.drivername!r}, must be postgresql; {mend}")
    return found.set(drivername="postgresql+psycopg")


def _engine(url: URL, **options: Any) -> Engine:
    try:
        engine = create_engine(url, **options)
    except (ImportError, NoSuchModuleError) as error:
        raise StoreError("control database: psycopg is not installed; pip install 'perunit[postgres]'") from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _record: object) -> None:
    # Python's module would begin transactions by itself, at the first write and not where they are said to begin.
    connection.isolation_level = None
    for setting in (
        f"busy_timeout = {_BUSY_SECONDS * 1000}",
        "foreign_keys = ON",
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    how = connection.get_execution_options().get(_BEGIN, "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {how}")
