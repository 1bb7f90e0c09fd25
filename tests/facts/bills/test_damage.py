"""Files that were cut short or damaged on their way: imported as they are, or refused as a whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
import zipfile
from decimal import Decimal
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.facts.bills.conftest import LINE, NOW, SCHEMA

from perunit.engine.duckdb import Engine
from perunit.facts.bills import import_bill, state_invoice
from perunit.model.errors import InputError
from perunit.model.window import Window

FOCUS = {name: text for name, text in LINE.items() if name != "ResourceId"}
CUR = {
    "bill/PayerAccountId": "111",
    "lineItem/LineItemType": "Usage",
    "lineItem/UnblendedCost": "1.50",
    "bill/BillingPeriodStartDate": "2026-05-01T00:00:00Z",
    "bill/BillingPeriodEndDate": "2026-06-01T00:00:00Z",
    "lineItem/UsageStartDate": "2026-05-01T00:00:00Z",
    "lineItem/UsageEndDate": "2026-05-01T01:00:00Z",
    "lineItem/CurrencyCode": "USD",
    "resourceTags/user:Team": "shop",
}
TOTAL = Decimal("3.75")
STORED = ("bills", "charges", "invoices")
# Forms with a checksum: what still unpacks is what was packed.
SEALED = frozenset({"gzip", "zip", "zstd"})


def table(line: dict[str, str], cost: str) -> bytes:
    """Two lines as CSV, which come to TOTAL."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(line), lineterminator="\n")
    writer.writeheader()
    writer.writerows([line, line | {cost: "2.25"}])
    return out.getvalue().encode()


def zipped(data: bytes) -> bytes:
    """The one file of an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("bill.csv"), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def parquet(lines: list[dict[str, str]]) -> bytes:
    """The lines as text columns."""
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(lines), out)
    return out.getvalue()


PLAIN = table(FOCUS, "BilledCost")
LINES = [FOCUS, FOCUS | {"BilledCost": "2.25"}]
FORMS = {
    "csv": PLAIN,
    "cur": table(CUR, "lineItem/UnblendedCost"),
    "ndjson": "\n".join(map(json.dumps, LINES)).encode(),
    "parquet": parquet(LINES),
    "gzip": gzip.compress(PLAIN, mtime=0),
    "zip": zipped(PLAIN),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress(PLAIN),
}


@cache
def engine() -> Engine:
    """One store for all examples, with an invoice and a bill of another account in it."""
    engine = Engine()
    engine.connection.execute(SCHEMA).fetchall()
    return engine


def attempt(data: bytes) -> Decimal | None:
    """What the file came to; None where it was refused. Raises whatever else it meets."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill"
        path.write_bytes(data)
        try:
            results = import_bill(engine(), path, clock=lambda: NOW)
        except InputError:
            return None
    return sum((result.billed_cost for result in results), Decimal(0))


def stored() -> list[list[tuple[object, ...]]]:
    """All that an import may change."""
    return [engine().rows(f"SELECT * FROM {table} ORDER BY ALL") for table in STORED]


@cache
def kept() -> list[list[tuple[object, ...]]]:
    """What was stored before the first example: a bill of the same period and an invoice."""
    before = table(FOCUS | {"Tags": ""}, "BilledCost")
    assert attempt(before) == TOTAL
    state_invoice(engine(), "AWS", "I-1", TOTAL, "USD", Window.of_month("2026-05"), clock=lambda: NOW)
    return stored()


def restore() -> None:
    """Takes out what an example has imported."""
    engine().execute("DELETE FROM charges WHERE bill_id > 1")
    engine().execute("DELETE FROM bills WHERE bill_id > 1")
    engine().execute("UPDATE bills SET superseded_at = NULL")


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A form, and a file of it that was cut short or has a few other bytes."""
    form = draw(st.sampled_from(sorted(FORMS)))
    data = bytearray(FORMS[form])
    places = st.integers(0, len(data) - 1)
    if draw(st.booleans()):
        return form, bytes(data[: draw(places)])
    for place, byte in draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        data[place] = byte
    return form, bytes(data)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_an_undamaged_file_comes_to_its_total(form: str) -> None:
    """Each form holds the same two lines."""
    kept()
    try:
        assert attempt(FORMS[form]) == TOTAL
    finally:
        restore()


@settings(max_examples=30, deadline=None)
@given(damaged())
def test_a_damaged_file_is_imported_or_refused_whole(example: tuple[str, bytes]) -> None:
    """Nothing but InputError comes of damage, a refused file changes nothing, and a checksum is believed."""
    form, data = example
    before = kept()
    try:
        total = attempt(data)
        if total is None:
            assert stored() == before
        elif form in SEALED:
            assert total == TOTAL
    finally:
        restore()
    assert stored() == before


@pytest.mark.parametrize(
    ("at", "byte"),
    [(8, 99), (6, 1), (6, 32)],
    ids=["an unknown method", "a password", "patched data"],
)
def test_a_zip_archive_with_a_damaged_directory_is_refused(at: int, byte: int) -> None:
    """What the archive says of its file is damaged: it cannot be unpacked, and that is said."""
    data = bytearray(FORMS["zip"])
    # The directory at the end repeats the header of the file, two bytes further on.
    for start in (at, data.index(b"PK\x01\x02") + at + 2):
        data[start] = byte
    assert attempt(bytes(data)) is None
