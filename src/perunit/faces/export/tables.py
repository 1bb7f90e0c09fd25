"""A result as a file: CSV, Parquet or Arrow. Enters: a result. Leaves: its bytes, a piece at a time.

Parquet and Arrow hold money, ratios and estimated counts as DECIMAL(38, 24), counts as integers, times in UTC.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from perunit.measures.query import Column, Result

__all__ = ["MEDIA_TYPES", "arrow_table", "csv_pieces", "pieces"]

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
_ROWS_A_PIECE = 2_000
_PIECE_BYTES = 1 << 16
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def pieces(result: Result, form: str) -> Iterator[bytes]:
    """The file, piece by piece. `form` is one of `MEDIA_TYPES`."""
    if form == "csv":
        return csv_pieces(result)
    return _parquet_pieces(result) if form == "parquet" else _arrow_pieces(result)


def csv_pieces(result: Result) -> Iterator[bytes]:
    """RFC 4180 after one line that says what the values are; an unknown value is an empty field.

    A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers are as they are.
    """
    dimensions = {column.name for column in result.columns if column.kind == "dimension"}
    answer = result.as_json()
    fields = [*answer["columns"], "status", "complete"]
    yield _head(result).encode()
    page = io.StringIO()
    writer = csv.DictWriter(page, fields, lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    for number, row in enumerate(answer["rows"], 1):
        safe = {name: _harmless(value) if name in dimensions else value for name, value in row.items()}
        writer.writerow({**safe, "complete": str(row["complete"]).lower()})
        if number % _ROWS_A_PIECE == 0:
            yield _taken(page)
    yield _taken(page)


def _head(result: Result) -> str:
    said = result.as_json(())
    window = said["window"]
    parts = {
        "timezone": "UTC",
        "currency": result.currency,
        "unit": result.unit,
        "from": window["start"] or "",
        "to": window["end"] or "",
        "facts_up_to": said["freshness"]["latest_event"] or "",
        "filters": " ".join(str(each) for each in result.query.filters),
    }
    # One line whatever stands in a filter.
    return "# " + " ".join(f"{name}={value}" for name, value in parts.items()).translate({10: " ", 13: " "}) + "\r\n"


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _taken(page: io.StringIO) -> bytes:
    text = page.getvalue().encode("utf-8", "replace")
    page.seek(0)
    page.truncate()
    return text


def _parquet_pieces(result: Result) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(arrow_table(result), file)
    file.seek(0)
    yield from iter(lambda: file.read(_PIECE_BYTES), b"")


def _arrow_pieces(result: Result) -> Iterator[bytes]:
    import pyarrow as pa

    table = arrow_table(result)
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as stream:
        for batch in table.to_batches(max_chunksize=_ROWS_A_PIECE):
            stream.write_batch(batch)
            yield file.getvalue()
            file.seek(0)
            file.truncate()
    yield file.getvalue()


def arrow_table(result: Result) -> pa.Table:
    """The rows as an Arrow table."""
    import pyarrow as pa

    rows = [{**row.values, "status": row.status, "complete": row.complete} for row in result.rows]
    fields = [pa.field(each.name, _arrow_type(each, (row[each.name] for row in rows))) for each in result.columns]
    fields += [pa.field("status", pa.string()), pa.field("complete", pa.bool_())]
    return pa.Table.from_pylist([_fitted(row) for row in rows], schema=pa.schema(fields))


def _arrow_type(column: Column, values: Iterable[Any]) -> pa.DataType:
    import pyarrow as pa

    if column.kind == "bucket":
        return pa.timestamp("us", tz="UTC")
    if column.measure is None:
        return pa.string()
    counted = column.measure.unit == "count" and column.kind not in {"change_ratio", "error"}
    whole = counted and all(value is None or isinstance(value, int) for value in values)
    return pa.int64() if whole else pa.decimal128(38, 24)


def _fitted(row: dict[str, Any]) -> dict[str, Any]:
    """Decimals at 24 places: sums are exact there, quotients are rounded."""
    with exact():
        place = Decimal(1).scaleb(-24)
        return {name: each.quantize(place) if isinstance(each, Decimal) else each for name, each in row.items()}
