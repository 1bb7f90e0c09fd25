"""Reads bill files as text. Enters: CSV, Parquet, JSON or NDJSON files, plain, gzip or zstd. Leaves: `bill_text`.

`bill_text` is a temporary table of one row a bill line: file (its number), line (from 1 over all files), row (from
1 in its file) and every field of `FIELDS` as the exact text of the file; empty cells and NULL are null.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import zstandard

from perunit.engine.duckdb import Engine, identifier, literal
from perunit.facts.bills.faults import FAULTS_SHOWN, BillFaultsError, refusal
from perunit.facts.bills.fields import FIELDS, MANDATORY, Field, field_of, looks_like
from perunit.facts.lines import open_bytes
from perunit.model.errors import Fault, InputError

__all__ = ["read_bill", "stage_text"]

_DELIMITERS = (",", ";", "\t", "|")
_HEADER_BYTES_MAX = 1 << 20
_LINE_BYTES_MAX = 16 << 20
_JSON_ROWS = 20_000
_FLOATS = ("FLOAT", "DOUBLE")
_NESTED = ("MAP", "STRUCT")


class _Source(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


_STRUCTURE = {
    "MISSING COLUMNS": ("must have a value or an empty cell for every column", "complete the line"),
    "TOO MANY COLUMNS": ("must not have more cells than the header", "quote the cell that holds a delimiter"),
    "UNQUOTED VALUE": ("must close its quotes", "the file may be cut short; export it again"),
    "LINE SIZE OVER MAXIMUM": (f"must be shorter than {_LINE_BYTES_MAX >> 20} MB", "close the quotes before it"),
    "INVALID ENCODING": ("must be UTF-8 or UTF-16", "save the file as UTF-8"),
}


def stage_text(engine: Engine) -> None:
    """Makes an empty `bill_text`, replacing one that was left."""
    columns = ", ".join(f"{identifier(field.name)} VARCHAR" for field in FIELDS)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE bill_text (file INTEGER, line BIGINT, row_number BIGINT, {columns})"
    )


def read_bill(engine: Engine, path: Path, number: int, first_line: int) -> int:
    """Appends one file to `bill_text` and returns how many lines it has; its lines count on from `first_line`.

    Raises InputError where the file cannot be read, lacks mandatory columns or has no lines.
    """
    head = _head(path)
    if head.startswith(b"PAR1"):
        rows = _read_parquet(engine, path)
    elif head[:1] in (b"{", b"["):
        rows = _read_json(engine, path, array=head[:1] == b"[")
    else:
        rows = _read_csv(engine, path)
    if rows == 0:
        raise refusal(path, "lines", "a header and no lines", "must hold at least one charge", "export it again")
    engine.execute(
        "INSERT INTO bill_text BY NAME SELECT $file::INTEGER AS file, rowid + $first_line AS line, "
        "rowid + 1 AS row_number, * FROM bill_file",
        {"file": number, "first_line": first_line},
    )
    engine.execute("DROP TABLE bill_file")
    return rows


def _head(path: Path) -> bytes:
    """The first bytes of a file after decompression, without leading blanks."""
    with _stream(path) as stream:
        head = stream.read(4096)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise refusal(path, "file", "a zip archive or workbook", "must be CSV, JSON or Parquet", "unpack or export it")
    head = head.lstrip()
    if not head:
        raise refusal(path, "file", "an empty file", "must hold a header and lines", "export it again")
    return head


class _Bytes(io.RawIOBase):
    """Gives a source of bytes the shape that a buffered reader reads from."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def _stream(path: Path) -> Iterator[io.BufferedReader]:
    """The file's decompressed UTF-8 bytes; a broken archive is an InputError."""
    if path.is_dir():
        raise InputError(f"{path}: a directory inside a bill's directory; move its files up")
    stream, file = open_bytes(path)
    try:
        yield io.BufferedReader(_Bytes(stream), 8 << 20)
    except (EOFError, OSError, zstandard.ZstdError) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}); it may be cut short, fetch it again") from error
    finally:
        file.close()


def _columns_of(path: Path, names: Sequence[str]) -> dict[Field, int]:
    """Which column holds which field; every mandatory one must be there, once."""
    found: dict[Field, int] = {}
    for position, name in enumerate(names):
        field = field_of(name)
        if field is None:
            continue
        if field in found:
            raise refusal(
                path, field.focus, repr(name), f"is a second {field.focus} column", "keep one of the two", line=1
            )
        found[field] = position
    missing = [field.focus for field in MANDATORY if field not in found]
    if missing:
        raise _not_focus(path, names, missing)
    return found


def _not_focus(path: Path, names: Sequence[str], missing: list[str]) -> BillFaultsError:
    other = looks_like(names)
    lacks = f"must have {', '.join(missing)}"
    if other:
        mend = f"this looks like {other}, which is not imported yet; export FOCUS Cost and Usage instead"
    else:
        mend = "export FOCUS 1.0 to 1.4 Cost and Usage with all its mandatory columns"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return refusal(path, "columns", shown or "no columns", lacks, mend, line=1)


def _cell(expression: str) -> str:
    trimmed = f"trim({expression}, ' \t\r\n\u00a0')"
    return f"CASE WHEN upper({trimmed}) IN ('', 'NULL') THEN NULL ELSE {trimmed} END"


def _select(columns: Mapping[Field, str], relation: str) -> str:
    cells = ", ".join(f"{_cell(text)} AS {identifier(field.name)}" for field, text in columns.items())
    return f"CREATE OR REPLACE TEMP TABLE bill_file AS SELECT {cells} FROM {relation}"


def _counted(engine: Engine) -> int:
    return int(engine.value("SELECT count(*) FROM bill_file"))


def _read_csv(engine: Engine, path: Path) -> int:
    """A table of text; the header tells the delimiter, the reader refuses every line of another shape."""
    with tempfile.TemporaryDirectory(prefix="perunit-") as folder, _stream(path) as stream:
        header, delimiter = _header(path, stream.read(_HEADER_BYTES_MAX))
        fields = _columns_of(path, header)
        plain = Path(folder) / "bill.csv"
        with _stream(path) as whole, plain.open("wb") as out:
            shutil.copyfileobj(whole, out, 8 << 20)
        shape = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(header)))
        relation = (
            f"read_csv({literal(str(plain))}, columns = {{{shape}}}, auto_detect = false, header = true, "
            f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', strict_mode = true, store_rejects = true, "
            f"max_line_size = {_LINE_BYTES_MAX}, buffer_size = {2 * _LINE_BYTES_MAX}, compression = 'none')"
        )
        cells = {field: f"c{position}" for field, position in fields.items()}
        _run_csv(engine, path, _select(cells, relation))
    return _counted(engine)


def _run_csv(engine: Engine, path: Path, statement: str) -> None:
    _forget_rejects(engine)
    try:
        engine.execute(statement)
        total = int(engine.value("SELECT count(*) FROM reject_errors"))
        rows = engine.rows(
            "SELECT line, error_type::VARCHAR, csv_line FROM reject_errors ORDER BY line, error_type LIMIT $shown",
            {"shown": FAULTS_SHOWN},
        )
    except duckdb.InvalidInputException as error:
        raise refusal(
            path, "file", str(error).splitlines()[0], "must be a UTF-8 or UTF-16 table", "export it again"
        ) from error
    finally:
        _forget_rejects(engine)
    if total:
        raise BillFaultsError([_structure_fault(path, *row) for row in rows], total)


def _structure_fault(path: Path, line: int, error: str, text: str) -> Fault:
    rule, mend = _STRUCTURE.get(error, (f"is refused by the reader ({error.lower()})", "export it again"))
    return Fault(str(path), line, "line", repr(text[:80]), rule, mend)


def _forget_rejects(engine: Engine) -> None:
    engine.execute("DROP TABLE IF EXISTS reject_errors")
    engine.execute("DROP TABLE IF EXISTS reject_scans")


def _header(path: Path, head: bytes) -> tuple[list[str], str]:
    """The header's names, and the delimiter that yields the most FOCUS columns (then the most columns)."""
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < _HEADER_BYTES_MAX else "ignore")
    except UnicodeDecodeError as error:
        raise refusal(path, "file", "bytes that are not UTF-8", "must be UTF-8 or UTF-16", "save it as UTF-8") from error
    lines = text.lstrip("\r\n").splitlines(keepends=True)

    def split(delimiter: str) -> list[str]:
        return next(csv.reader(lines, delimiter=delimiter), [])

    def score(delimiter: str) -> tuple[int, int]:
        names = split(delimiter)
        return sum(field_of(name) is not None for name in names), len(names)

    delimiter = max(_DELIMITERS, key=score)
    return split(delimiter), delimiter


def _read_parquet(engine: Engine, path: Path) -> int:
    relation = f"read_parquet({literal(_no_glob(path))})"
    try:
        described = engine.rows(f"DESCRIBE SELECT * FROM {relation}")
    except duckdb.Error as error:
        raise InputError(f"{path}: is not whole Parquet ({error}); export it again") from error
    names = [str(row[0]) for row in described]
    types = [str(row[1]) for row in described]
    fields = _columns_of(path, names)
    cells = {field: _text_of(identifier(names[position]), types[position]) for field, position in fields.items()}
    try:
        engine.execute(_select(cells, relation))
    except duckdb.Error as error:
        raise InputError(f"{path}: is not whole Parquet ({error}); export it again") from error
    return _counted(engine)


def _text_of(column: str, kind: str) -> str:
    """A Parquet column as text. A float is the shortest decimal that reads back as it, to 18 places at most."""
    if kind in _FLOATS:
        shortest = f"CAST({column} AS VARCHAR)"
        return f"coalesce(CAST(TRY_CAST({shortest} AS DECIMAL(38, 18)) AS VARCHAR), {shortest})"
    if kind.startswith(_NESTED) or kind.endswith("[]"):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


def _no_glob(path: Path) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _read_json(engine: Engine, path: Path, *, array: bool) -> int:
    """Objects of one level, as lines or as one array; numbers are taken as they are written."""
    with _stream(path) as stream:
        records = _array(path, stream) if array else _objects(path, stream)
        first = list(islice(records, _JSON_ROWS))
        names = list(dict.fromkeys(name for record in first for name in record))
        fields = _columns_of(path, names)
        columns = ", ".join(f"{identifier(field.name)} VARCHAR" for field in fields)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE bill_file ({columns})")
        group = first
        while group:
            _append(engine, group, {field: names[position] for field, position in fields.items()})
            group = list(islice(records, _JSON_ROWS))
    return _counted(engine)


def _append(engine: Engine, records: list[dict[str, Any]], keys: Mapping[Field, str]) -> None:
    cells = {field.name: pa.array([_scalar(row.get(key)) for row in records], pa.string()) for field, key in keys.items()}
    engine.register("bill_group", pa.table(cells))
    try:
        select = ", ".join(f"{_cell(identifier(name))} AS {identifier(name)}" for name in cells)
        engine.execute(f"INSERT INTO bill_file SELECT {select} FROM bill_group")
    finally:
        engine.unregister("bill_group")


def _scalar(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _objects(path: Path, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _object(path, number, _parsed(path, number, line))


def _array(path: Path, stream: io.BufferedReader) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(_parsed(path, 1, stream.read()), start=1):
        yield _object(path, number, record)


def _parsed(path: Path, line: int, text: bytes) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except ValueError as error:
        raise refusal(
            path, "line", repr(text[:80].decode("utf-8", "replace")), f"must be JSON ({error})", "export it again", line=line
        ) from error


def _object(path: Path, number: int, record: object) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise refusal(path, "line", repr(record)[:80], "must be an object", "write one object a charge", line=number)
    return record
