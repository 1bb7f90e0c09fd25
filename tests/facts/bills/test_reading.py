"""Every way a correct bill can be written gives the same charges."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.engine.duckdb import Engine

# Times as the store keeps them: UTC, without a zone.
instant = datetime.fromisoformat

Table = Callable[..., str]
Load = Callable[..., Any]
Line = dict[str, str]


def snake(name: str) -> str:
    """BilledCost as billed_cost."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def written(form: str, line: Line, table: Table) -> bytes:
    """The line in one of the forms a provider may write it."""
    text = table(line)
    forms: dict[str, Callable[[], bytes]] = {
        "plain": text.encode,
        "crlf": lambda: text.replace("\n", "\r\n").encode(),
        "bom": lambda: text.encode("utf-8-sig"),
        "utf-16": lambda: text.encode("utf-16"),
        "utf-16-be": lambda: b"\xfe\xff" + text.encode("utf-16-be"),
        "gzip": lambda: gzip.compress(text.encode()),
        "zstd": lambda: zstandard.compress(text.encode()),
        "utf-16 in gzip": lambda: gzip.compress(text.encode("utf-16")),
        "semicolon": lambda: table(line, delimiter=";").encode(),
        "tab": lambda: table(line, delimiter="\t").encode(),
        "snake_case": lambda: table({snake(name): value for name, value in line.items()}).encode(),
        "lower case": lambda: table({name.lower(): value for name, value in line.items()}).encode(),
        "ndjson": lambda: json.dumps(line).encode() + b"\n",
        "ndjson in zstd": lambda: zstandard.compress(json.dumps(line).encode()),
        "json array": lambda: json.dumps([line]).encode(),
        "json with tags as an object": lambda: json.dumps(line | {"Tags": json.loads(line["Tags"])}).encode(),
    }
    return forms[form]()


@pytest.mark.parametrize(
    "form",
    [
        *("plain", "crlf", "bom", "utf-16", "utf-16-be", "gzip", "zstd", "utf-16 in gzip", "semicolon", "tab"),
        *("snake_case", "lower case", "ndjson", "ndjson in zstd", "json array", "json with tags as an object"),
    ],
)
def test_the_form_of_a_file_does_not_matter(engine: Engine, load: Load, line: Line, table: Table, form: str) -> None:
    """The same line in any encoding, compression, delimiter or naming is the same charge."""
    (first,) = load(table(line), "plain.csv")
    (again,) = load(written(form, line, table), "other")
    assert (first.status, again.status) == ("imported", "unchanged")
    assert engine.rows("SELECT billed_cost, effective_cost, tags['team'], charge_period_end FROM charges") == [
        (Decimal("1.5"), Decimal("1.25"), "shop", instant("2026-05-01T01:00"))
    ]


def test_parquet_with_native_types(engine: Engine, load: Load, line: Line, table: Table, tmp_path: Path) -> None:
    """Decimals, floats, timestamps and maps of a Parquet file are read exactly; a float is its shortest decimal."""
    periods = {name: pa.array([datetime.fromisoformat(line[name])]) for name in line if "Period" in name}
    columns = {name: pa.array([value]) for name, value in line.items()} | periods
    columns["BilledCost"] = pa.array([1.5])
    columns["EffectiveCost"] = pa.array([Decimal("1.25")], pa.decimal128(20, 10))
    columns["Tags"] = pa.array([[("team", "shop")]], pa.map_(pa.string(), pa.string()))
    path = tmp_path / "bill[1].parquet"
    pq.write_table(pa.table(columns), path)
    load(table(line))
    (result,) = load(path)
    assert result.status == "unchanged"
    columns["BilledCost"] = pa.array([1.2345678901234567e-05])
    pq.write_table(pa.table(columns), path)
    (result,) = load(path)
    assert result.billed_cost == Decimal("0.000012345678901235")


def test_json_numbers_keep_every_digit(load: Load, line: Line) -> None:
    """A JSON number is taken as it is written, not through a float."""
    text = json.dumps(line).replace('"1.50"', "12345678901.123456789012345678")
    (result,) = load(text)
    assert result.billed_cost == Decimal("12345678901.123456789012345678")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"),
        ("-0.000000000000000001", "-0.000000000000000001"),
        ("9999999999999.999999999999999999", "9999999999999.999999999999999999"),
        ("+1.10", "1.10"),
        (".5", "0.5"),
        ("5.", "5"),
        ("0001.5", "1.5"),
        ("1.50000000000000000000000", "1.5"),
        ("1.5E-7", "0.00000015"),
        ("1.5e3", "1500"),
        (" 2.5 ", "2.5"),
    ],
)
def test_an_amount_is_exact(load: Load, line: Line, table: Table, text: str, amount: str) -> None:
    """Every plain or scientific decimal that 18 places can hold is that number."""
    (result,) = load(table(line | {"BilledCost": text}))
    assert result.billed_cost == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["2026-05-01", "2026-05-01 00:00:00", "2026-05-01T02:00:00+02:00", "2026-05-01 00:00:00 UTC", "2026-05-01T00:00Z"],
)
def test_a_time_is_utc(engine: Engine, load: Load, line: Line, table: Table, text: str) -> None:
    """ISO 8601 with any offset is the same instant in UTC; without one it is UTC."""
    load(table(line | {"ChargePeriodStart": text}))
    assert engine.value("SELECT charge_period_start FROM charges") == instant("2026-05-01")


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('{"a":"1","n":500,"none":null}', {"a": "1", "n": "500", "none": None}),
        ("{}", {}),
        ('"a": "1","b": "x=y"', {"a": "1", "b": "x=y"}),
        ("a=1;b=two words", {"a": "1", "b": "two words"}),
        ("a=1,b=", {"a": "1", "b": ""}),
        ("NULL", None),
        ("", None),
    ],
)
def test_tags_are_a_map(engine: Engine, load: Load, line: Line, table: Table, text: str, tags: Any) -> None:
    """JSON objects, their members without braces, and key=value pairs all become tags."""
    load(table(line | {"Tags": text}))
    assert engine.value("SELECT tags FROM charges") == tags


def test_words_of_the_standard_are_written_as_it_writes_them(
    engine: Engine, load: Load, line: Line, table: Table
) -> None:
    """Enumerations in any case are normalised, other words of open lists are kept, NULL is null."""
    changes = {
        "ChargeCategory": "USAGE",
        "ChargeClass": "correction",
        "ChargeFrequency": "usage-based",
        "ServiceCategory": "compute",
        "PricingCategory": "Spot",
        "BillingCurrency": "usd",
        "ServiceName": "null",
        "RegionId": "NULL",
    }
    load(table(line | changes))
    columns = (
        "charge_category, charge_class, charge_frequency, service_category, pricing_category, billing_currency, "
        "service_name, region_id"
    )
    assert engine.rows(f"SELECT {columns} FROM charges") == [
        ("Usage", "Correction", "Usage-Based", "Compute", "Spot", "USD", None, None)
    ]


def test_a_directory_is_one_export_in_parts(
    engine: Engine, load: Load, line: Line, table: Table, tmp_path: Path
) -> None:
    """Files of one directory are parts of the same bills; their lines are numbered on."""
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "part-1.csv").write_text(table(line, line))
    (folder / "part-2.csv.gz").write_bytes(gzip.compress(table(line | {"BilledCost": "3"}).encode()))
    (folder / "_SUCCESS").write_text("")
    (result,) = load(folder)
    assert (result.lines, result.billed_cost) == (3, Decimal(6))
    assert engine.rows("SELECT line, billed_cost FROM charges ORDER BY line") == [
        (1, Decimal("1.5")),
        (2, Decimal("1.5")),
        (3, Decimal(3)),
    ]


def test_what_a_provider_has_allocated_is_kept(engine: Engine, load: Load, line: Line, table: Table) -> None:
    """The columns of FOCUS 1.3 say to which resource the cost of a shared one was given, and by which method."""
    allocated = {
        "AllocatedMethodId": "pods",
        "AllocatedMethodDetails": '{"Elements":[]}',
        "AllocatedResourceId": "pod-1",
        "AllocatedResourceName": "web",
        "AllocatedTags": '{"app":"shop"}',
    }
    load(table(line | allocated))
    assert engine.rows(
        "SELECT resource_id, allocated_method_id, allocated_method_details, allocated_resource_id, "
        "allocated_resource_name, allocated_tags['app'], allocated_part FROM charges"
    ) == [("i-1", "pods", '{"Elements":[]}', "pod-1", "web", "shop", None)]
