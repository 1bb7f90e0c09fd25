"""Opens a file of a source as groups of raw rows. Enters: a path and the source. Leaves: groups ready to stage.

A group is what is committed at once. Lines are grouped by bytes, Parquet by rows; a CSV or JSON file is one group,
because only reading it whole tells where its records end.
"""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from perunit.engine.duckdb import Engine, identifier, literal
from perunit.facts.json_fields import Fields
from perunit.facts.lines import line_groups, open_bytes
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perunit.contract.shape import Source

__all__ = ["Group", "Opened", "open_lines", "open_source"]

PARQUET_GROUP_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Group:
    """Raw rows to be staged: `attach` makes them readable as ``incoming`` on an engine.

    `done` counts bytes (or rows, for Parquet) read so far, of the `total` in `Opened`.
    """

    number: int
    digest: str
    blank: int
    done: int
    attach: Callable[[Engine], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's groups, with the columns its rows have (empty for lines); `text` as in `tables.plan_source`."""

    columns: dict[str, str]
    text: bool
    total: int
    groups: Iterator[Group]


def open_lines(path: Path, encoding: str | None = None) -> Opened:
    """A file of one JSON object a line; ``incoming`` has position and line."""
    return Opened({}, False, _size(path), _line_groups(path, encoding))


def open_json_batch(path: Path) -> Opened:
    """A JSON file that holds one object or an array of objects, as lines."""
    return Opened({}, False, _size(path), iter([_lines_group(path, _json_values(path, None))]))


def _line_groups(path: Path, encoding: str | None) -> Iterator[Group]:
    for group in line_groups(path, encoding=encoding):
        yield Group(group.number, group.digest, group.blank, group.bytes_done, _attach(group.rows))


def _attach(rows: pa.Table) -> Callable[[Engine], None]:
    def attach(engine: Engine) -> None:
        engine.register("incoming", rows)

    return attach


def _lines_group(path: Path, values: list[Any]) -> Group:
    lines = [json.dumps(value, ensure_ascii=False) for value in values]
    rows = pa.table({"position": pa.array(range(1, len(lines) + 1), pa.int64()), "line": pa.array(lines, pa.string())})
    return Group(0, _digest(path), 0, _size(path), _attach(rows))


def open_source(engine: Engine, path: Path, source: Source) -> Opened:
    """A file of one of the contract's sources. Raises InputError for a file that cannot be read as its format."""
    readers = {"csv": _open_csv, "parquet": _open_parquet, "ndjson": _open_ndjson, "json": _open_json}
    if source.format not in readers:
        raise InputError(f"{path}: rows of format {source.format} come through a door; run perunit serve")
    if _size(path) == 0:
        raise InputError(f"{path}: is empty; write the header and the rows, or leave the file out")
    with _readable_as(path, source.format):
        return readers[source.format](engine, path, source)


@contextmanager
def _readable_as(path: Path, format_: str) -> Iterator[None]:
    """Around what the engine reads of a file: its error says where, in its first lines."""
    try:
        yield
    except duckdb.Error as error:
        reason = ", ".join(str(error).splitlines()[:3])[:500]
        raise InputError(f"{path}: cannot be read as {format_} ({reason}); correct the file or format:") from error


def _open_parquet(engine: Engine, path: Path, source: Source) -> Opened:
    file = literal(str(path))
    columns = {name: type_ for name, type_, *_ in engine.rows(f"DESCRIBE SELECT * FROM read_parquet({file})")}
    total = engine.value(f"SELECT count(*) FROM read_parquet({file})")
    digest = _digest(path)

    def groups() -> Iterator[Group]:
        for number, start in enumerate(range(0, total, PARQUET_GROUP_ROWS)):
            end = min(start + PARQUET_GROUP_ROWS, total)
            rows = f"file_row_number >= {start} AND file_row_number < {end}"
            sql = (
                f"SELECT file_row_number + 1 AS position, file_row_number + 1 AS _row, {literal(path.name)} AS _file, "
                f"{literal(digest[:24])} || ':' || (file_row_number + 1) AS _id, * EXCLUDE (file_row_number) "
                f"FROM read_parquet({file}, file_row_number = true) WHERE {rows}"
            )
            yield Group(number, digest, 0, end, _materialise(sql, path, "parquet"))

    return Opened(columns | _ROW_COLUMNS | source.columns, False, total, groups())


_ROW_COLUMNS = {"_row": "BIGINT", "_file": "VARCHAR", "_id": "VARCHAR"}


def _materialise(sql: str, path: Path, format_: str) -> Callable[[Engine], None]:
    def attach(engine: Engine) -> None:
        with _readable_as(path, format_):
            engine.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS {sql}")

    return attach


def _open_csv(engine: Engine, path: Path, source: Source) -> Opened:
    plain = _plain_copy(path, source.encoding)
    names, sep = _header(plain or path, source.delimiter)
    # All is said, because what is guessed from a sample drops lines above a header or takes a quote for text.
    read = (
        f"read_csv({literal(str(plain or path))}, auto_detect = false, header = true, sep = {literal(sep)}, "
        f"quote = '\"', escape = '\"', columns = {{{', '.join(f'{literal(name)}: {_TEXT}' for name in names)}}})"
    )
    # Text is cast by the plan, row by row; times stay text because their form is the mapping's to say.
    tests = ", ".join(f"bool_and(regexp_full_match({identifier(name)}, '{_PLAIN_NUMBER}'))" for name in names)
    numeric = engine.rows(f"SELECT {tests} FROM (SELECT * FROM {read} LIMIT {_CSV_SAMPLE_ROWS})")[0]
    columns = {name: _NUMBER if is_number else "VARCHAR" for name, is_number in zip(names, numeric, strict=True)}
    digest = _digest(path)
    sql = (
        f"SELECT row_number() OVER () AS position, row_number() OVER () AS _row, {literal(path.name)} AS _file, "
        f"{literal(digest[:24])} || ':' || row_number() OVER () AS _id, * "
        f"FROM {read}"
    )

    def groups() -> Iterator[Group]:
        try:
            yield Group(0, digest, 0, _size(path), _materialise(sql, path, "csv"))
        finally:
            if plain:
                plain.unlink(missing_ok=True)

    return Opened(columns | _ROW_COLUMNS | source.columns, True, _size(path), groups())


def _header(path: Path, delimiter: str | None) -> tuple[list[str], str]:
    """The columns of a CSV file and its delimiter: the one its first line has most of, unless stated."""
    with path.open("rb") as file:
        line = file.readline(_HEADER_BYTES_MAX).decode("utf-8", "replace").rstrip("\r\n")
    sep = delimiter or max(",;\t|", key=line.count)
    cells = next(csv.reader([line], delimiter=sep), []) if len(sep) == 1 else line.split(sep)
    names = [cell.strip() or f"column{number}" for number, cell in enumerate(cells)]
    if not names:
        raise InputError(f"{path}: starts with an empty line; start with the names of the columns")
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{path}: column {twice[0]!r} stands twice in the header; give each its own name")
    return names, sep


_HEADER_BYTES_MAX = 1 << 20
_CSV_SAMPLE_ROWS = 20_480
_TEXT = "'VARCHAR'"
_NUMBER = "DECIMAL(38, 12)"
# Not 007, which is a name.
_PLAIN_NUMBER = r"\s*[+-]?(0|[1-9][0-9]{0,25})?(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*"


def _plain_copy(path: Path, encoding: str | None) -> Path | None:
    """A decompressed UTF-8 copy to be deleted by the caller; None where the file is plain UTF-8 already."""
    with path.open("rb") as file:
        head = file.read(4)
    marks = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
    if encoding is None and not head.startswith(marks):
        return None
    stream, file_ = open_bytes(path, encoding)
    with file_, tempfile.NamedTemporaryFile(suffix=".csv", delete=False) as copy:
        while block := stream.read(1 << 20):
            copy.write(block)
    return Path(copy.name)


def _open_ndjson(engine: Engine, path: Path, source: Source) -> Opened:
    del engine
    sample = next(line_groups(path, encoding=source.encoding, group_bytes=_SAMPLE_BYTES), None)
    values = [_loads(line) for line in sample.rows["line"].slice(0, _SAMPLE_ROWS).to_pylist()] if sample else []
    return _open_json_lines(path, source, values, _line_groups(path, source.encoding))


def _open_json(engine: Engine, path: Path, source: Source) -> Opened:
    del engine
    values = _json_values(path, source)
    if not values:
        return Opened({}, True, _size(path), iter(()))
    return _open_json_lines(path, source, values[:_SAMPLE_ROWS], iter([_lines_group(path, values)]))


_SAMPLE_ROWS = 2000
_SAMPLE_BYTES = 4 << 20


def _open_json_lines(path: Path, source: Source, sample: list[Any], lines: Iterator[Group]) -> Opened:
    """Lines as flat text columns: a nested value `a.b` is the column ``a.b``, an array stays JSON text."""
    columns = _json_columns(sample) | dict.fromkeys(source.columns, "VARCHAR")
    if not columns:
        raise InputError(f"{path}: has no JSON object with fields in its first {len(sample)} rows; correct the file")
    fields = Fields()
    raws = ", ".join(f"{fields.raw(tuple(name.split('.')))} AS {identifier(name)}" for name in columns)
    parsed = fields.parsed_sql("incoming_lines", "position, line")
    digest = _digest(path)
    sql = (
        f"SELECT position, position AS _row, {literal(path.name)} AS _file, "
        f"{literal(digest[:24])} || ':' || position AS _id, is_object AS _is_object, "
        f"CASE WHEN NOT is_object THEN line END AS _line, {raws} "
        f"FROM ({parsed})"
    )

    def groups() -> Iterator[Group]:
        for group in lines:
            yield Group(group.number, group.digest, group.blank, group.done, _view_over(group, sql))

    known = columns | _ROW_COLUMNS | {"_is_object": "BOOLEAN", "_line": "VARCHAR"} | source.columns
    return Opened(known, True, _size(path), groups())


def _view_over(group: Group, sql: str) -> Callable[[Engine], None]:
    def attach(engine: Engine) -> None:
        group.attach(engine)
        engine.execute("CREATE OR REPLACE TEMP TABLE incoming_lines AS FROM incoming")
        engine.unregister("incoming")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS {sql}")
        engine.execute("DROP TABLE incoming_lines")

    return attach


def _json_columns(values: list[Any]) -> dict[str, str]:
    """Dotted leaf → type over a sample; where values disagree the column is text."""
    found: dict[str, str] = {}
    for value in values:
        for name, leaf in _leaves(value, ""):
            if leaf is None:
                found.setdefault(name, "")
                continue
            number = isinstance(leaf, int | float | _Decimal)
            type_ = "BOOLEAN" if isinstance(leaf, bool) else _NUMBER if number else "VARCHAR"
            found[name] = type_ if found.get(name) in (None, "", type_) else "VARCHAR"
    # A name that is sometimes an object and sometimes a plain value is read as the object.
    above = {name[:end] for name in found for end in range(len(name)) if name[end] == "."}
    return {name: type_ or "VARCHAR" for name, type_ in found.items() if name not in above}


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if isinstance(part, dict):
            yield from _leaves(part, f"{at}{name}.")
        else:
            yield f"{at}{name}", part


def _json_values(path: Path, source: Source | None) -> list[Any]:
    """The records of a JSON document: the array `records` names (or the document's own), constants added to each."""
    stream, file = open_bytes(path, source.encoding if source else None)
    with file:
        data = b"".join(iter(lambda: stream.read(1 << 20), b""))
    try:
        document = json.loads(data, parse_float=_Decimal)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error}); correct it, or use ndjson for one object a line") from error
    if source is None or source.records is None:
        return document if isinstance(document, list) else [document]
    records: list[Any] = []
    for enclosing, array in _arrays(document, source.records.split("."), ()):
        constants = {name: _constant(path, text, enclosing) for name, text in source.load.items()}
        records += [{**record, **constants} if isinstance(record, dict) else record for record in array]
    if not records and not any(_arrays(document, source.records.split("."), ())):
        raise InputError(f"{path}: has no array {source.records!r}; correct records: of the source")
    return records


def _arrays(node: Any, steps: list[str], above: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    """Every array at a dotted name (searched below any nesting), with the objects that enclose it, outermost first."""
    if isinstance(node, list):
        for item in node:
            yield from _arrays(item, steps, above)
    elif isinstance(node, dict):
        inside: Any = node
        for step in steps:
            inside = inside.get(step) if isinstance(inside, dict) else None
        if isinstance(inside, list):
            yield (*above, node), inside
        else:
            for part in node.values():
                yield from _arrays(part, steps, (*above, node))


def _constant(path: Path, text: str, enclosing: tuple[Any, ...]) -> Any:
    """`parent.a.b` from the nearest enclosing object that has it."""
    steps = text.removeprefix("parent.").split(".")
    for node in reversed(enclosing):
        inside: Any = node
        for step in steps:
            inside = inside.get(step) if isinstance(inside, dict) else None
        if inside is not None:
            return inside
    raise InputError(f"{path}: has no {text!r} around its records; correct load: of the source")


class _Decimal(str):
    """A number as it is written: through a float, long ones would lose their last digits."""

    __slots__ = ()


def _loads(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a directory; name a file")
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a file that can be read") from error
