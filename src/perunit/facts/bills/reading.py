"""Reads bill files as text. Enters: CSV, Parquet, JSON or NDJSON files, plain, gzip or zstd. Leaves: Parts.

A part's SELECT yields one row a bill line, in the order of the file, with the columns that the caller chose as text;
empty cells and NULL are null.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import shutil
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from perunit.engine.duckdb import Engine, identifier, literal
from perunit.facts.bills.faults import FAULTS_SHOWN, BillFaultsError, refusal
from perunit.facts.bills.fields import field_of
from perunit.facts.lines import open_bytes
from perunit.model.errors import Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["ColumnsOf", "Part", "open_part", "rejects"]

# (file, its column names, the SQL of the column at a place) → name of a result column → SQL text.
ColumnsOf: TypeAlias = "Callable[[Path, Sequence[str], Callable[[int], str]], Mapping[str, str]]"

_DELIMITERS = (",", ";", "\t", "|")
_HEADER_BYTES_MAX = 1 << 20
_LINE_BYTES_MAX = 16 << 20
_JSON_ROWS = 20_000
_FRAME_BYTES = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"
_COMPRESSIONS: dict[bytes, tuple[Callable[..., Any], str]] = {
    b"\x1f\x8b": (gzip.open, "gzip"),
    b"\x28\xb5": (zstandard.open, "zstd"),
}
# A damaged archive asks for a password, an unknown method or a place before its start.
_UNPACKABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError)
_UNREADABLE = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException)
_FLOATS = ("FLOAT", "DOUBLE")
_NESTED = ("MAP", "STRUCT")


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


_STRUCTURE = {
    "MISSING COLUMNS": ("must have a value or an empty cell for every column", "complete the line"),
    "TOO MANY COLUMNS": ("must not have more cells than the header", "quote the cell that holds a delimiter"),
    "UNQUOTED VALUE": ("must close its quotes", "the file may be cut short; export it again"),
    "LINE SIZE OVER MAXIMUM": (
        f"must be shorter than {_LINE_BYTES_MAX >> 20} MB",
        "close the quotes before it",
    ),
    "INVALID ENCODING": ("must be UTF-8 or UTF-16", "save the file as UTF-8"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One readable file: `text_sql` selects its lines, `above` lines stand above the first of them."""

    path: Path
    text_sql: str
    above: int


def open_part(engine: Engine, path: Path, spool: Path, columns: ColumnsOf) -> Part:
    """Finds out how a file is written; what cannot be read in place is put below `spool`.

    `columns` says what to select, once the file's columns are known. Raises InputError where the file cannot be
    read, or what `columns` raises.
    """
    file = _unpacked(path, spool)
    head = _head(file)
    _check_frames(file)
    source = _Source(file, path, columns)
    if head.startswith(b"PAR1"):
        return _open_parquet(engine, source)
    if head[:1] in (b"{", b"["):
        return _open_json(source, spool, array=head[:1] == b"[")
    return _open_csv(source, spool)


@dataclass(frozen=True, slots=True)
class _Source:
    """A file to read, the one the person named (they differ for a zip archive), and what to select from it."""

    file: Path
    path: Path
    columns: ColumnsOf

    def select(self, names: Sequence[str], column: Callable[[int], str], relation: str) -> str:
        """The SELECT of `columns` from `relation`; empty cells and NULL are null."""
        chosen = self.columns(self.path, names, column)
        cells = ", ".join(f"{_cell(text)} AS {identifier(name)}" for name, text in chosen.items())
        return f"SELECT {cells} FROM {relation}"


def _unpacked(path: Path, spool: Path) -> Path:
    """The one file of a zip archive, put below `spool`; any other file as it is."""
    if path.is_dir() or not path.is_file() or not zipfile.is_zipfile(path):
        return path
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                got = f"an archive of {len(names)} files or a workbook"
                raise refusal(path, "file", got, "must hold one file", "unpack it and import the directory")
            plain = spool / f"{len(list(spool.iterdir()))}.zip.csv"
            with archive.open(names[0]) as packed, plain.open("wb") as out:
                shutil.copyfileobj(packed, out, 8 << 20)
    except _UNPACKABLE as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); it may be damaged, fetch it again") from error
    return plain


@contextmanager
def rejects(engine: Engine, part: Part) -> Iterator[None]:
    """Around a statement that reads `part`: lines of another shape than the header are one InputError."""
    _forget_rejects(engine)
    try:
        yield
        if engine.value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"):
            _raise_rejects(engine, part.path)
    except duckdb.Error as error:
        # Damaged Parquet is an error of no class of its own.
        if not (isinstance(error, _UNREADABLE) or type(error) is duckdb.Error):
            raise
        if isinstance(error, duckdb.IOException) and str(part.path) not in str(error):
            raise
        got = str(error).splitlines()[0]
        raise refusal(part.path, "file", got, "must be readable to its end", "export it again") from error
    finally:
        _forget_rejects(engine)


def _head(path: Path) -> bytes:
    """The first bytes of a file after decompression, without leading blanks."""
    with _stream(path) as stream:
        head = stream.read(4096)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise refusal(
            path, "file", "a workbook or a broken zip archive", "must be CSV, JSON or Parquet", "export it again"
        )
    head = head.lstrip()
    if not head:
        raise refusal(path, "file", "an empty file", "must hold a header and lines", "export it again")
    return head


def _check_frames(path: Path) -> None:
    """Refuses a zstd file that was cut short: the readers take its end for the end of the data."""
    with path.open("rb") as file:
        data = file.read(_FRAME_BYTES)
        if not data.startswith(_ZSTD):
            return
        frame = zstandard.ZstdDecompressor().decompressobj()
        while data:
            frame.decompress(data)
            data = frame.unused_data or file.read(_FRAME_BYTES)
            if frame.eof and data:
                frame = zstandard.ZstdDecompressor().decompressobj()
    if not frame.eof:
        raise InputError(f"{path}: ends within a zstd frame, so it was cut short; fetch it again")


class _Bytes(io.RawIOBase):
    """Gives a source of bytes the shape that a buffered reader reads from."""

    def __init__(self, source: _Readable) -> None:
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


def _cell(expression: str) -> str:
    trimmed = f"trim({expression})"
    return f"CASE WHEN strlen({trimmed}) <= 4 AND upper({trimmed}) IN ('', 'NULL') THEN NULL ELSE {trimmed} END"


def _open_csv(source: _Source, spool: Path) -> Part:
    """A table of text; the header tells the delimiter."""
    with _stream(source.file) as stream:
        header, delimiter = _header(source.path, stream.read(_HEADER_BYTES_MAX))
    plain, compression = _in_place(source.file, spool)
    shape = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(header)))
    options = {
        "columns": f"{{{shape}}}",
        "auto_detect": "false",
        "header": "true",
        "strict_mode": "true",
        "store_rejects": "true",
        "delim": literal(delimiter),
        "quote": literal('"'),
        "escape": literal('"'),
        "compression": literal(compression),
        "max_line_size": str(_LINE_BYTES_MAX),
        "buffer_size": str(2 * _LINE_BYTES_MAX),
    }
    stated = ", ".join(f"{name} = {value}" for name, value in options.items())
    relation = f"read_csv({literal(_no_glob(plain))}, {stated})"
    return Part(source.path, source.select(header, lambda place: f"c{place}", relation), 1)


def _in_place(path: Path, spool: Path) -> tuple[Path, str]:
    """A UTF-8 file the engine can read, and how it is compressed; UTF-16 is written out as UTF-8 first."""
    with path.open("rb") as file:
        magic = file.read(4)
    opener, compression = _COMPRESSIONS.get(magic[:2], (Path.open, "none"))
    with opener(path, "rb") as raw:
        bom = raw.read(2)
    if bom not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return path, compression
    plain = spool / f"{len(list(spool.iterdir()))}.csv"
    with _stream(path) as whole, plain.open("wb") as out:
        shutil.copyfileobj(whole, out, 8 << 20)
    return plain, "none"


def _raise_rejects(engine: Engine, path: Path) -> None:
    rows = engine.rows(
        "SELECT line, error_type::VARCHAR AS error, any_value(csv_line), count(*) OVER () FROM reject_errors "
        "GROUP BY line, error ORDER BY line, error LIMIT $shown",
        {"shown": FAULTS_SHOWN},
    )
    if rows:
        raise BillFaultsError([_structure_fault(path, *row[:3]) for row in rows], rows[0][3])


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
        raise refusal(
            path, "file", "bytes that are not UTF-8", "must be UTF-8 or UTF-16", "save it as UTF-8"
        ) from error
    lines = text.lstrip("\r\n").splitlines(keepends=True)

    def split(delimiter: str) -> list[str]:
        return next(csv.reader(lines, delimiter=delimiter), [])

    def score(delimiter: str) -> tuple[int, int]:
        names = split(delimiter)
        return sum(field_of(name) is not None for name in names), len(names)

    delimiter = max(_DELIMITERS, key=score)
    return split(delimiter), delimiter


def _open_parquet(engine: Engine, source: _Source) -> Part:
    relation = f"read_parquet({literal(_no_glob(source.file))})"
    _check_parquet(source.path, relation)
    described = engine.rows(f"DESCRIBE SELECT * FROM {relation}")
    names = [str(row[0]) for row in described]
    types = [str(row[1]) for row in described]
    text = source.select(names, lambda place: _text_of(identifier(names[place]), types[place]), relation)
    return Part(source.path, text, 0)


def _check_parquet(path: Path, relation: str) -> None:
    """Reads every column once beside the store: some damage is fatal to the engine that meets it."""
    try:
        with duckdb.connect() as scratch:
            scratch.execute(f"SELECT max(hash(COLUMNS(*))) FROM {relation}").fetchall()
    except duckdb.Error as error:
        got = str(error).splitlines()[0]
        raise InputError(f"{path}: is not whole Parquet ({got}); export it again") from error


def _text_of(column: str, kind: str) -> str:
    """A Parquet column as text. A float is the shortest decimal that reads back as it, to 18 places."""
    if kind in _FLOATS:
        shortest = f"CAST({column} AS VARCHAR)"
        return f"coalesce(CAST(TRY_CAST({shortest} AS DECIMAL(38, 18)) AS VARCHAR), {shortest})"
    if kind.startswith(_NESTED) or kind.endswith("[]"):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


def _no_glob(path: Path) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _open_json(source: _Source, spool: Path, *, array: bool) -> Part:
    """Objects, as lines or as one array; numbers are taken as written. Put below `spool` as Parquet."""
    path, plain = source.path, spool / f"{len(list(spool.iterdir()))}.parquet"
    with _stream(source.file) as stream:
        records = map(_flat, _array(path, stream) if array else _objects(path, stream))
        group = list(islice(records, _JSON_ROWS))
        names = list(dict.fromkeys(name for record in group for name in record))
        text_sql = source.select(names, lambda place: f"c{place}", f"read_parquet({literal(str(plain))})")
        with pq.ParquetWriter(plain, pa.schema([(f"c{place}", pa.string()) for place in range(len(names))])) as writer:
            while group:
                cells = [[_scalar(row.get(name)) for row in group] for name in names]
                writer.write_table(pa.table(cells, writer.schema))
                group = list(islice(records, _JSON_ROWS))
    return Part(path, text_sql, 0)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """A row of Google's export has objects within; their members get dotted names, as in its CSV."""
    if "usage_start_time" not in record:
        return record
    flat: dict[str, Any] = {}
    for name, value in record.items():
        inner = {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
        flat.update(inner)
    return flat


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
            path,
            "line",
            repr(text[:80].decode("utf-8", "replace")),
            f"must be JSON, one object a line or one array ({error})",
            "export it again; a manifest or a price list is no bill",
            line=line,
        ) from error


def _object(path: Path, number: int, record: object) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise refusal(path, "line", repr(record)[:80], "must be an object", "write one object a charge", line=number)
    return record
