"""Opens export files of Stripe as groups of rows. Enters: a path and how Stripe is read. Leaves: groups ready to stage.

A file is a table (CSV) of one kind of object, or JSON: one object or event a line, an array of them, or a list as the
API gives it. Which it is stands in the file; plain, gzip or zstd.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.facts.doors.stripe import StripeFacts, facts_of, reading_of
from perunit.facts.doors.stripe_tables import reader_of
from perunit.facts.files import Group, Opened
from perunit.facts.lines import open_bytes
from perunit.facts.stripe_links import learn, linked_sql, table_of
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from perunit.contract.shape import Stripe
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.seals import Seals

__all__ = ["learn_charges", "open_stripe"]

_GROUP_OBJECTS = 100_000


def learn_charges(engine: Engine, path: Path, block: Stripe | None, seals: Seals | None = None) -> None:
    """Keeps what a file says of charges, before any file's rows are linked to them: files come in any order."""
    for things in _grouped(path):
        found = _facts(things, block)
        with engine.transaction():
            learn(engine, found.known, seals)


def open_stripe(path: Path, block: Stripe | None, seals: Seals | None = None) -> Opened:
    """The facts of a file; a row whose charge is known neither now nor from the file stays without it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    def groups() -> Iterator[Group]:
        done = 0
        for number, things in enumerate(_grouped(path)):
            done += len(things)
            yield Group(number, digest, 0, done, _attached(_facts(things, block), seals))

    return Opened(dict(DOOR_COLUMNS["stripe"]), False, path.stat().st_size, groups())


def _facts(things: list[Any], block: Stripe | None) -> StripeFacts:
    found, reading = StripeFacts(), reading_of(block)
    for thing in things:
        facts_of(found, thing, reading)
    return found


def _attached(found: StripeFacts, seals: Seals | None) -> Callable[[Engine], None]:
    rows = table_of(found.rows)

    def attach(engine: Engine) -> None:
        engine.register("stripe_rows", rows)
        linked = linked_sql(engine, "stripe_rows", seals)
        values = seals.values if seals else None
        engine.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT * EXCLUDE (linked) FROM ({linked})", values)
        engine.unregister("stripe_rows")

    return attach


def _grouped(path: Path) -> Iterator[list[Any]]:
    things = _things(path)
    while group := list(islice(things, _GROUP_OBJECTS)):
        yield group


def _things(path: Path) -> Iterator[Any]:
    """Objects as the API gives them, from whatever kind of file it is."""
    stream, file = open_bytes(path)
    buffered = io.BufferedReader(_Raw(stream))
    with file, io.TextIOWrapper(buffered, encoding="utf-8", newline="") as text:
        head = buffered.peek(1)[:1]
        if not head:
            raise InputError(f"{path}: is empty; export it again")
        try:
            yield from _documents(text) if head in b"[{ \t\r\n" else _rows(path, text)
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is no UTF-8 text ({error}); export it again") from error


class _Raw(io.RawIOBase):
    """Bytes of a stream that only reads, as Python's text layer wants them."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._left = stream, b""

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As many bytes as there are and as fit; 0 at the end."""
        data = self._left or self._stream.read(len(buffer))
        taken, self._left = data[: len(buffer)], data[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _rows(path: Path, text: io.TextIOWrapper) -> Iterator[Any]:
    reader = csv.reader(text)
    try:
        header = next(reader)
        read = reader_of(header)
        if read is None:
            known = "charges, refunds, disputes, invoices, balance transactions or a balance report"
            raise InputError(f"{path}: has no columns of a table of Stripe's ({known}); export one of them")
        for cells in reader:
            if cells:
                yield read(dict(zip(header, cells, strict=False)))
    except csv.Error as error:
        raise InputError(
            f"{path}: cannot be read as CSV at line {reader.line_num} ({error}); export it again"
        ) from error


def _documents(file: io.TextIOWrapper) -> Iterator[Any]:
    """The values of NDJSON, or those of one document: what its list holds."""
    text = file.read()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        for line in filter(None, map(str.strip, text.splitlines())):
            yield _value(line)
        return
    listed = value.get("data") if isinstance(value, dict) and value.get("object") == "list" else value
    yield from listed if isinstance(listed, list) else [listed]


def _value(line: str) -> Any:
    """A line that is no JSON stays text, which is refused as no object of Stripe's."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line
