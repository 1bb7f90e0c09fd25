"""The default engine: one DuckDB connection that runs SQL files with bound values.

`execute()` in DuckDB streams and blocks the connection until it is read out, so every method here reads to the end.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import duckdb

from perunit.engine.files import sql_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

__all__ = ["Engine", "Snapshot", "identifier", "literal"]

_PARSED_MAX = 256
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def identifier(name: str) -> str:
    """`name` quoted for SQL.

    >>> identifier("plan")
    '"plan"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as a SQL string literal; for places where a value cannot be bound, such as a DDL or a type.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


class Engine:
    """A DuckDB database, in a file or in memory (`path` None)."""

    def __init__(self, path: Path | None = None, *, threads: int | None = None, memory_limit: str = "1GB") -> None:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if threads is not None:
            settings["threads"] = threads
        self.connection = duckdb.connect(str(path) if path else ":memory:", config=settings)
        self._set_up()

    def _set_up(self) -> None:
        """What holds for a connection, not for its database."""
        self._parsed: dict[str, duckdb.Statement] = {}
        self.execute("SET TimeZone = 'UTC'")
        # It would be printed into standard output, amid the answer.
        self.execute("SET enable_progress_bar = false")

    def sibling(self) -> Engine:
        """A further connection to the same database, for another thread."""
        return Engine.of(self)

    @classmethod
    def of(cls, other: Engine) -> Self:
        """A further connection to another engine's database, as an engine of this class."""
        made = object.__new__(cls)
        made.connection = other.connection.cursor()
        made._set_up()
        return made

    def close(self) -> None:
        """Writes everything out and releases the file, once the last connection to it is closed."""
        self.connection.close()

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Runs statements for their effect; `values` bind ``$name`` (single statement only)."""
        result = self.connection.execute(self._statement(sql), _bound(sql, values))
        if result is not None:
            result.fetchall()

    def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(self._statement(sql), _bound(sql, values)).fetchall()

    def _statement(self, sql: str) -> duckdb.Statement | str:
        """`sql` as parsed, which takes a third of the time of a small statement; several at once stay text."""
        found = self._parsed.pop(sql, None)
        if found is None:
            statements = self.connection.extract_statements(sql)
            if len(statements) != 1:
                return sql
            found = statements[0]
            if len(self._parsed) >= _PARSED_MAX:
                # The one not used for longest; a dictionary keeps its order.
                del self._parsed[next(iter(self._parsed))]
        self._parsed[sql] = found
        return found

    def records(self, sql: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """All rows of a query, each as column → value."""
        result = self.connection.execute(sql, _bound(sql, values))
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def value(self, sql: str, values: Mapping[str, Any] | None = None) -> Any:
        """The first column of the only row, or None where there is no row."""
        rows = self.rows(sql, values)
        return rows[0][0] if rows else None

    def arrow(self, sql: str, values: Mapping[str, Any] | None = None) -> pa.Table:
        """All rows of a query as an Arrow table."""
        return self.connection.sql(sql, params=_bound(sql, values)).to_arrow_table()

    def insert(self, table: str, room: str, name: str, values: Mapping[str, Any] | None = None) -> None:
        """Appends the rows of one SQL file to the table it describes."""
        text = sql_text(room, name)
        self.execute(f"INSERT INTO {identifier(table)} BY NAME {text}", values)

    def register(self, name: str, table: pa.Table) -> None:
        """Makes an Arrow table readable under a name until `unregister`."""
        self.connection.register(name, table)

    def unregister(self, name: str) -> None:
        """Forgets a registered Arrow table."""
        self.connection.unregister(name)

    def attach(self, name: str) -> str:
        """Adds an empty database in memory; gives the name it got, which no other connection's has."""
        unique = f"{name}_{next(_ATTACHED)}"
        self.execute(f"ATTACH ':memory:' AS {identifier(unique)}")
        return unique

    def detach(self, name: str) -> None:
        """Drops a database that `attach` has added."""
        self.execute(f"DETACH {identifier(name)}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together or, on any exception, not at all."""
        self.connection.execute("BEGIN TRANSACTION").fetchall()
        try:
            yield
        except BaseException:
            # A failed COMMIT or a fatal error has already ended the transaction.
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK").fetchall()
            raise
        self.connection.execute("COMMIT").fetchall()


_ATTACHED = count(1)


class Snapshot(Engine):
    """A second connection to an engine's database, which sees it as it was then, whatever is committed meanwhile.

    All it does is one transaction that is never committed: temporary and attached tables are its own and end with it.
    Where what was attached is detached, it sees the database anew, as it is then.
    May be used on another thread than the one it was made on.
    """

    def __init__(self, of: Engine) -> None:
        self.connection = of.connection.cursor()
        self._set_up()
        self._look()

    def _look(self) -> None:
        self.connection.execute("BEGIN TRANSACTION").fetchall()
        # A transaction sees what had been committed when it first looks.
        self.execute("SELECT value FROM store_state LIMIT 1")

    def close(self) -> None:
        """Forgets all that was made; the database itself stays open."""
        with suppress(duckdb.Error):
            self.connection.execute("ROLLBACK").fetchall()
        self.connection.close()

    def detach(self, name: str) -> None:
        """Ends the transaction that wrote to it, and with that the database; another one could not be written to."""
        self.connection.execute("ROLLBACK").fetchall()
        self.execute(f"DETACH DATABASE IF EXISTS {identifier(name)}")
        self._look()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Part of the one it is in."""
        yield


def _bound(sql: str, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Only the values the statement names: DuckDB refuses values that are not asked for."""
    if not values:
        return None
    return {name: value for name, value in values.items() if re.search(rf"\${name}\b", sql)}
