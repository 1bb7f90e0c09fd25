"""Takes reference rates in. Enters: a file of the European Central Bank (CSV, or a zip of one).
Leaves: rows of `fx_rates`; a value that was revised supersedes the one before, which is kept.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.engine.files import sql_text
from perunit.model.errors import InputError
from perunit.model.money import is_currency
from perunit.model.window import Clock, naive

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.engine.duckdb import Engine

__all__ = ["FxImport", "import_rates"]

_BASE, _ORIGIN = "EUR", "ECB"
_CODE = re.compile(r"[A-Z]{3}")
# 17 digits before and 15 after the point are a price of a currency, kept as other prices are.
_RATE = r"\d{1,17}(\.\d{1,15})?"
_BYTES_MAX = 100_000_000


@dataclass(frozen=True, slots=True)
class FxImport:
    """What became of one file. `passed_over` are codes that ISO 4217 has withdrawn, which no amount may carry."""

    file: str
    days: int
    added: int
    revised: int
    unchanged: int
    revised_days: int
    passed_over: tuple[str, ...]


def import_rates(engine: Engine, path: Path, clock: Clock) -> FxImport:
    """Takes a reference file in, whole or not at all; the same file again changes nothing.

    Raises InputError where it is none, with the place, and then nothing has changed.
    """
    header, rows = _table(path)
    known = [name for name in header[1:] if is_currency(name)]
    passed_over = tuple(sorted(set(header[1:]) - set(known)))
    columns = {"day": [_iso(row[0]) for row in rows]}
    columns |= {name: [row[header.index(name)] for row in rows] for name in known}
    engine.register("fx_file", pa.table({name: pa.array(each, pa.string()) for name, each in columns.items()}))
    try:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE fx_found AS {sql_text('economics.fx', 'found')}")
        _refuse_faults(engine, path)
        return _keep(engine, path, passed_over, clock)
    finally:
        engine.unregister("fx_file")
        engine.execute("DROP TABLE IF EXISTS fx_found")


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a file; the ECB ends its lines with a comma, which makes an empty column."""
    lines = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(_text(path))) if any(row)]
    header = [name for name in lines[0] if name] if lines else []
    if len(header) < 2 or header[0].lower() != "date" or not all(_CODE.fullmatch(name) for name in header[1:]):
        raise InputError(
            f"{path}: line 1: got {', '.join(header[:4])!r}, must be Date and then currency codes; "
            "name eurofxref-hist.zip or eurofxref.csv of the European Central Bank"
        )
    if len(set(header)) < len(header):
        raise InputError(f"{path}: line 1: a currency stands twice, must stand once; get the file anew")
    for number, row in enumerate(lines[1:], 2):
        if len(row) < len(header):
            raise InputError(f"{path}: line {number}: has {len(row)} cells, must have {len(header)}; get the file anew")
    if len(lines) < 2:
        raise InputError(f"{path}: has no day, must have one at least; get the file anew")
    return header, lines[1:]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [info for info in archive.infolist() if not info.is_dir()]
                if len(names) != 1 or names[0].file_size > _BYTES_MAX:
                    raise InputError(f"{path}: must be a zip archive of one file below 100 MB; unpack it first")
                content = archive.read(names[0])
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a file") from error
    except (zipfile.BadZipFile, UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({error}); get the file anew") from error


def _iso(text: str) -> str:
    """The daily file writes ``30 October 2026``, the history ``2026-10-30``."""
    try:
        return datetime.strptime(text, "%d %B %Y").date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return text


def _refuse_faults(engine: Engine, path: Path) -> None:
    checks = (
        ("day IS NULL", "day_text", "must be a day such as 2026-10-30"),
        (f"NOT regexp_full_match(rate, '{_RATE}')", "quote || ' ' || rate", "must be a number of at most 15 places"),
        ("try_cast(rate AS DECIMAL(38, 15)) = 0", "quote || ' ' || rate", "must be above 0"),
    )
    for wrong, got, rule in checks:
        found = engine.rows(f"SELECT day_text, {got} FROM fx_found WHERE {wrong} ORDER BY ALL LIMIT 1")
        if found:
            raise InputError(f"{path}: {found[0][0]}: got {found[0][1]!r}, {rule}; get the file anew")
    twice = engine.rows("SELECT day_text, quote FROM fx_found GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1")
    if twice:
        raise InputError(f"{path}: {twice[0][0]}: stands twice, must stand once; get the file anew")


def _keep(engine: Engine, path: Path, passed_over: tuple[str, ...], clock: Clock) -> FxImport:
    values = {"base": _BASE, "origin": _ORIGIN, "now": naive(clock())}
    with engine.transaction():
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE fx_changed AS SELECT f.day, f.quote, "
            "CAST(f.rate AS DECIMAL(38, 15)) AS rate, k.rate IS NOT NULL AS revised FROM fx_found f "
            "LEFT JOIN fx_rates k ON k.base = $base AND k.origin = $origin AND k.quote = f.quote AND k.day = f.day "
            "AND k.superseded_at IS NULL WHERE k.rate IS DISTINCT FROM CAST(f.rate AS DECIMAL(38, 15))",
            values,
        )
        engine.execute(
            "UPDATE fx_rates SET superseded_at = $now FROM fx_changed c WHERE fx_rates.base = $base "
            "AND fx_rates.origin = $origin AND fx_rates.quote = c.quote AND fx_rates.day = c.day "
            "AND fx_rates.superseded_at IS NULL",
            values,
        )
        engine.execute(
            "INSERT INTO fx_rates SELECT $base, quote, day, rate, $origin, $now, NULL FROM fx_changed", values
        )
    [(days, rates)] = engine.rows("SELECT count(DISTINCT day), count(*) FROM fx_found")
    [(changed, revised, revised_days)] = engine.rows(
        "SELECT count(*), count(*) FILTER (WHERE revised), count(DISTINCT CASE WHEN revised THEN day END) "
        "FROM fx_changed"
    )
    engine.execute("DROP TABLE fx_changed")
    return FxImport(path.name, days, changed - revised, revised, rates - changed, revised_days, passed_over)
