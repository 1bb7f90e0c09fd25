"""Files of captured events. Enters: a path. Leaves: arrivals of CloudEvents, and of the contract's OTLP sources.

A file has one JSON value a line (CloudEvents, or requests as the OpenTelemetry collector's file exporter writes them,
mixed as they come), or is one document: an event, an array of events, or an OTLP request. gzip and zstd are undone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.facts.arrivals import Arrival, DoorError
from perunit.facts.doors.formats import LINES
from perunit.facts.doors.otlp import LOGS, METRICS, TRACES, Signal, read_json
from perunit.facts.lines import open_bytes
from perunit.model.errors import InputError
from perunit.pipeline import CLOUDEVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perunit.contract.shape import Contract

__all__ = ["arrivals_of"]

_ROWS = 20_000
_SIGNALS = {"resourceSpans": TRACES, "resourceMetrics": METRICS, "resourceLogs": LOGS}


def arrivals_of(path: Path, contract: Contract) -> Iterator[Arrival]:
    """All that stands in a file; `door` is its name. Raises InputError for what cannot be read."""
    values = list(_values(_text(path)))
    signals = [_signal(value) for _, value in values]
    events = [each for each, signal in zip(values, signals, strict=True) if signal is None]
    for signal in _SIGNALS.values():
        requests = (each for each, of in zip(values, signals, strict=True) if of is signal)
        sources = [name for name, source in contract.sources.items() if source.format == signal.format]
        for rows in _together(_rows(path, line, text, signal) for line, text in requests):
            yield from (Arrival(source, rows, path.name) for source in sources)
    if events:
        rows = {
            "position": pa.array([line for line, _ in events], pa.int64()),
            "line": pa.array([value for _, value in events], pa.large_string()),
        }
        yield Arrival(CLOUDEVENTS, pa.table(rows, schema=LINES), path.name)


def _text(path: Path) -> str:
    stream, file = open_bytes(path)
    with file:
        parts = []
        while part := stream.read(1 << 20):
            parts.append(part)
    return b"".join(parts).decode("utf-8", "backslashreplace")


def _values(text: str) -> Iterator[tuple[int, str]]:
    """(line, from 1; JSON text) of each value: one a line, or those of one document."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    document = _parsed(text) if lines and _parsed(lines[0][1]) is None else None
    if isinstance(document, list):
        yield from _elements(text)
    elif document is not None:
        yield lines[0][0], text
    else:
        for number, line in lines:
            value = _parsed(line)
            yield from ((number, each) for _, each in _elements(line)) if isinstance(value, list) else [(number, line)]


def _elements(text: str) -> Iterator[tuple[int, str]]:
    """The elements of an array, as the text they were."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "]":
            return
        _, end = decoder.raw_decode(text, at)
        yield text.count("\n", 0, at) + 1, text[at:end]
        at = end


def _parsed(text: str) -> Any:
    """The value, None where the text is no JSON on its own."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _signal(text: str) -> Signal | None:
    """The kind of an OTLP request, None for anything else."""
    if "resource" not in text:
        return None
    value = _parsed(text)
    keys = value.keys() if isinstance(value, dict) and "specversion" not in value else ()
    return next((signal for key, signal in _SIGNALS.items() if key in keys), None)


def _rows(path: Path, line: int, text: str, signal: Signal) -> pa.Table:
    try:
        return read_json(signal, text.encode())
    except DoorError as error:
        raise InputError(f"{path}:{line}: {error.detail}") from error


def _together(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The rows of many small requests as few tables, their positions counted through."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(each.num_rows for each in waiting) >= _ROWS:
            yield _numbered(waiting)
            waiting = []
    if waiting:
        yield _numbered(waiting)


def _numbered(tables: list[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(tables)
    return rows.set_column(0, "position", pa.array(range(rows.num_rows), pa.int64()))
