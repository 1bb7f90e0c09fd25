"""Tables of facts in files: CSV, Parquet, NDJSON and JSON, well formed and not."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from tests.facts.said import accepted, line, refusals, revenue, table, table_contract
from tests.invariants.company import Company

from perunit.model.errors import ConfigurationError, InputError, UsageError
from perunit.model.window import naive

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "id,at,order_id,total\n"
ROW = "1,2026-03-01T00:00:00Z,o1,1.5\n"
CSV = table_contract("csv")
FINITE = "must be a finite decimal number of at most 15 digits before the point; correct it"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (HEAD + ROW, "plain.csv"),
        ((HEAD + ROW).replace("\n", "\r\n"), "crlf.csv"),
        ((HEAD + ROW).rstrip("\n"), "open.csv"),
        ((HEAD + ROW).replace(",", ";"), "semicolon.csv"),
        ((HEAD + ROW).replace(",", "\t"), "tab.csv"),
        ((HEAD + ROW).encode("utf-8-sig"), "bom.csv"),
        ((HEAD + ROW).encode("utf-16"), "utf16.csv"),
        (gzip.compress((HEAD + ROW).encode()), "packed.csv.gz"),
        (zstandard.compress((HEAD + ROW).encode()), "packed.csv.zst"),
        (HEAD + '"1","2026-03-01T00:00:00Z","o1","1.5"\n', "quoted.csv"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_a_csv_file_is_read_however_it_is_written(tmp_path: Path, content: str | bytes, name: str) -> None:
    """Line ends, delimiters, quotes, encodings and compressions."""
    company, _ = table(tmp_path, name, content, CSV)
    assert revenue(company.engine) == {"1": Decimal("1.5")}


def test_the_copy_made_to_read_a_file_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What had to be unpacked beside the file is gone afterwards."""
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    table(tmp_path, "packed.csv.gz", gzip.compress((HEAD + ROW).encode()), CSV)
    assert list(spool.iterdir()) == []


def test_a_file_of_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    """It is complete, it is just empty; a file without a byte is an error."""
    company, report = table(tmp_path, "a.csv", HEAD, CSV)
    assert (report.received, accepted(company.engine)) == (0, [])
    with pytest.raises(InputError, match=r"b\.csv: is empty; write the header and the rows, or leave the file out"):
        table(tmp_path, "b.csv", "", CSV)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + ROW + "2,2026-03-01T00:00:00Z\n", r"Line: 3, .*Columns: 4 Found: 2"),
        (HEAD + ROW + "2,2026-03-01T00:00:00Z,o1,1,2\n", r"Line: 3, .*Columns: 4 Found: 5"),
        (HEAD + ROW * 30_000 + "2,x\n", r"Line: 30002, .*Columns: 4 Found: 2"),
        (HEAD + '1,2026-03-01T00:00:00Z,"o1,1.5\n' + ROW, "Line: 2"),
        ("Sales of March\n" + HEAD + ROW, "Line: 2, .*Columns: 1 Found: 2"),
        ((HEAD + ROW + "2,2026-03-01T00:00:00Z,\xff,1\n").encode("latin-1"), "Line: 3, .*Invalid unicode"),
    ],
    ids=["short row", "long row", "late in the file", "open quote", "title above the header", "not UTF-8"],
)
def test_a_csv_file_with_another_shape_is_refused_whole(tmp_path: Path, content: str | bytes, said: str) -> None:
    """Where a row ends is in doubt then, so nothing of the file is kept; the message names the line."""
    company = Company(tmp_path, CSV)
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=rf"a\.csv: cannot be read as csv \(.*{said}.*\); correct the file or format:"):
        company.ingest(path, source="shop")
    for kept in ("events", "batches", "quarantine"):
        assert company.engine.value(f"SELECT count(*) FROM {kept}") == 0
    path.write_text(HEAD + ROW, encoding="utf-8")
    assert company.ingest(path, source="shop")[0].accepted == 1


def test_a_column_cannot_stand_twice(tmp_path: Path) -> None:
    """Which of the two is meant cannot be known."""
    with pytest.raises(InputError, match=r"column 'total' stands twice in the header; give each its own name"):
        table(tmp_path, "a.csv", "id,at,order_id,total,total\n1,2026-03-01T00:00:00Z,o1,1,2\n", CSV)


def test_a_column_the_contract_names_must_be_there(tmp_path: Path) -> None:
    """The message lists the columns there are."""
    with pytest.raises(
        ConfigurationError, match=r"amounts\.revenue: got 'total', must be a column of the file \(.*order_id\)"
    ):
        table(tmp_path, "a.csv", "id,at,order_id\n1,2026-03-01T00:00:00Z,o1\n", CSV)


def test_a_value_of_the_wrong_type_refuses_its_row(tmp_path: Path) -> None:
    """Also far behind the rows from which the column's type was taken; an empty cell is unknown."""
    rows = [f"{number},2026-03-01T00:00:00Z,o1,{number}.5" for number in range(30_000)]
    rows[29_000] = "29000,2026-03-01T00:00:00Z,o1,n/a"
    rows[29_500] = "29500,2026-03-01T00:00:00Z,o1,"
    company, report = table(tmp_path, "a.csv", HEAD + "\n".join(rows) + "\n", CSV)
    assert (report.accepted, report.rejected) == (29_999, 1)
    expected = "must be DECIMAL(38, 12); correct it or state the column's type under columns"
    assert refusals(company.engine) == [(29_001, "type", "total", "n/a", expected)]
    raw = json.loads(company.engine.value("SELECT raw FROM quarantine"))
    assert (raw["id"], raw["total"], raw["_row"]) == ("29000", "n/a", 29_001)
    assert company.engine.rows("SELECT revenue FROM events WHERE id = '29500'") == [(None,)]


def test_amounts_of_a_table_are_held_to_the_same_rules(tmp_path: Path) -> None:
    """In a column of text, each value is judged as it is written."""
    values = ["NaN", "inf", "1e3", "0.12345678901234567890", "1_000", "12345678901234567", "x"]
    rows = "".join(f"{number},2026-03-01T00:00:00Z,o1,{value}\n" for number, value in enumerate(values))
    company, _ = table(tmp_path, "a.csv", HEAD + rows, CSV)
    assert revenue(company.engine) == {"2": Decimal(1000)}
    assert [(rule, got) for _, rule, _, got, _ in refusals(company.engine)] == [
        ("number", "NaN"), ("number", "inf"), ("precision", "0.12345678901234567890"), ("number", "1_000"),
        ("number", "12345678901234567"), ("number", "x"),
    ]  # fmt: skip


def test_an_id_keeps_its_leading_zeros(tmp_path: Path) -> None:
    """A column of digits with leading zeros holds names, not numbers."""
    company, _ = table(
        tmp_path, "a.csv", HEAD + ROW.replace("o1", "007") + ROW.replace("1,", "2,", 1).replace("o1", "7"), CSV
    )
    assert company.engine.rows("SELECT unit_order FROM events ORDER BY id") == [("007",), ("7",)]


def test_times_without_a_zone_need_one_from_the_source(tmp_path: Path) -> None:
    """Without one they are refused; with one they are taken from it, and an offset in the text stands above it."""
    times = [
        "2026-02-01T12:00:00", "2026-02-01 12:00", "2026-02-01", "2026-02-01T12:00:00Z", "2026-02-01T12:00:00+05:00",
    ]  # fmt: skip
    rows = "".join(
        f"{number},{at},o1,1\n"
        for number, at in enumerate(times)
    )  # fmt: skip
    company, _ = table(tmp_path, "a.csv", HEAD + rows, CSV)
    assert accepted(company.engine) == ["3", "4"]
    assert {rule for _, rule, *_ in refusals(company.engine)} == {"time zone"}
    zoned = table_contract("csv", {"timezone": "America/New_York"})
    company, _ = table(tmp_path, "b.csv", HEAD + rows, zoned)
    hours = {"0": 17, "1": 17, "2": 5, "3": 12, "4": 7}
    assert dict(company.engine.rows("SELECT id, event_time FROM events")) == {
        id_: naive(datetime(2026, 2, 1, hour, tzinfo=UTC)) for id_, hour in hours.items()
    }


def test_rows_without_an_id_are_known_by_the_file(tmp_path: Path) -> None:
    """The same content again changes nothing, under whatever name; equal rows are different facts."""
    contract = table_contract("csv", id=None)
    company, report = table(tmp_path, "a.csv", "at,order_id,total\n" + "2026-03-01T00:00:00Z,o1,2\n" * 2, contract)
    assert report.accepted == 2
    copy = tmp_path / "copy.csv"
    copy.write_bytes((tmp_path / "a.csv").read_bytes())
    again = company.ingest(copy, source="shop")[0]
    assert (again.received, again.already) == (0, 2)
    assert company.engine.value("SELECT sum(revenue) FROM rollup") == 4


EXPRESSION = "must be computable; the row makes it fail"


@pytest.mark.parametrize(
    ("mapping", "wrong"),
    [
        ({"usage": {"reviews": "cast(order_id as integer)"}}, ("expression", "usage.reviews", None, EXPRESSION)),
        (
            {"amounts": {"revenue": "cast(order_id as integer) * total"}},
            ("expression", "amounts.revenue", None, EXPRESSION),
        ),
        (
            {"segments": {"plan": "cast(cast(order_id as integer) as varchar)"}},
            ("expression", "segments.plan", None, EXPRESSION),
        ),
        (
            {"outcome": "case when cast(order_id as integer) > 0 then 'success' end"},
            ("expression", "outcome", None, EXPRESSION),
        ),
        ({"time": "strptime(at || order_id, '%Y-%m-%dT%H:%M:%SZ7')"}, ("expression", "time", None, EXPRESSION)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_row_on_which_an_expression_fails_is_refused_alone(
    tmp_path: Path, mapping: dict[str, Any], wrong: tuple[Any, ...]
) -> None:
    """The rest of the group is loaded, and the row is in quarantine with the expression's place."""
    contract = table_contract("csv", {"timezone": "UTC"}, **mapping)
    rows = ROW.replace("o1", "7") + ROW.replace("1,", "2,", 1) + ROW.replace("1,", "3,", 1).replace("o1", "7")
    company, report = table(tmp_path, "a.csv", HEAD + rows, contract)
    assert (report.accepted, report.rejected) == (2, 1)
    assert accepted(company.engine) == ["1", "3"]
    assert refusals(company.engine) == [(2, *wrong)]


@pytest.mark.parametrize(
    ("mapping", "kept", "reason"),
    [
        ({"latency_ms": "total * 1000"}, "small", ("quantity", "latency_ms")),
        ({"amounts": {"revenue": "cast(total as hugeint) * 1000000"}}, "small", ("number", "amounts.revenue")),
        ({"usage": {"reviews": "cast(total as hugeint) * 10000000"}}, "small", ("quantity", "usage.reviews")),
        ({"usage": {"reviews": "-total"}}, "small", ("quantity", "usage.reviews")),
        ({"usage": {"reviews": "1 / total"}}, "great", ("quantity", "usage.reviews")),
    ],
)
def test_a_result_that_cannot_be_kept_refuses_its_row(
    tmp_path: Path, mapping: dict[str, Any], kept: str, reason: tuple[str, str]
) -> None:
    """Too wide, below zero, or divided by zero: the value is never cut or taken for 0."""
    contract = table_contract("csv", **{"amounts": {}} | mapping)
    rows = ROW.replace("1,", "small,", 1).replace("1.5", "0") + ROW.replace("1,", "great,", 1).replace(
        "1.5", "999999999999"
    )
    company, _ = table(tmp_path, "a.csv", HEAD + rows, contract)
    assert accepted(company.engine) == [kept]
    assert [(rule, place) for _, rule, place, *_ in refusals(company.engine)] == [reason]


def test_parquet_brings_its_types(tmp_path: Path) -> None:
    """Floating numbers become decimals by their shortest text; NaN refuses its row; zoned times are instants."""
    path = tmp_path / "a.parquet"
    times = pa.array([datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in range(4)], pa.timestamp("us", tz="Asia/Tokyo"))
    totals = [0.1, float("nan"), 1e-7, None]
    pq.write_table(
        pa.table({"id": [1, 2, 3, 4], "at": times, "order_id": ["o1", "", None, "o1"], "total": totals}), path
    )
    company = Company(tmp_path, table_contract("parquet"))
    report = company.ingest(path, source="shop")[0]
    assert (report.accepted, report.rejected, report.orphan) == (3, 1, 1)
    assert revenue(company.engine) == {"1": Decimal("0.1"), "3": Decimal("0.0000001"), "4": None}
    assert [(place, rule, got) for place, rule, _, got, _ in refusals(company.engine)] == [(2, "type", "nan")]
    assert company.engine.value("SELECT min(event_time) FROM events") == naive(datetime(2026, 3, 1, tzinfo=UTC))


def test_parquet_columns_can_be_given_another_type(tmp_path: Path) -> None:
    """What does not fit the stated type refuses its row."""
    path = tmp_path / "a.parquet"
    columns = {"id": [1, 2, 3], "at": ["2026-03-01T00:00:00Z"] * 3, "order_id": [7, 8, 9], "total": ["1.5", "abc", "2"]}
    pq.write_table(pa.table(columns), path)
    stated = {"columns": {"total": "DECIMAL(18,2)", "order_id": "VARCHAR"}}
    contract = table_contract("parquet", stated, amounts={"revenue": "total * 2"}, units={"order": "order_id || '-x'"})
    company = Company(tmp_path, contract)
    company.ingest(path, source="shop")
    assert revenue(company.engine) == {"1": Decimal(3), "3": Decimal(4)}
    assert company.engine.rows("SELECT DISTINCT unit_order FROM events ORDER BY 1") == [("7-x",), ("9-x",)]
    assert [(place, rule, at, got) for place, rule, at, got, _ in refusals(company.engine)] == [
        (2, "type", "total", "abc")
    ]


def test_parquet_in_several_groups_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of rows are each committed and each recognised when they come again."""
    monkeypatch.setattr("perunit.facts.files.PARQUET_GROUP_ROWS", 4)
    path = tmp_path / "a.parquet"
    at = ["2026-03-01T00:00:00Z"] * 10
    pq.write_table(pa.table({"at": at, "order_id": ["o1"] * 10, "total": [*range(9), -1]}), path, row_group_size=3)
    company = Company(tmp_path, table_contract("parquet", id=None))
    assert company.ingest(path, source="shop")[0].batches == [1, 2, 3]
    again = company.ingest(path, source="shop")[0]
    assert (again.received, again.already) == (0, 10)
    assert company.engine.rows("SELECT count(*), sum(revenue) FROM events") == [(10, Decimal(35))]


def test_parquet_times_without_a_zone_need_one_from_the_source(tmp_path: Path) -> None:
    """The whole column lacks it, so the contract is at fault, not the rows."""
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"id": [1], "at": [naive(datetime(2026, 2, 1, 12, tzinfo=UTC))], "order_id": ["o"], "total": [1]}),
        path,
    )
    with pytest.raises(
        ConfigurationError, match=r"event\.time: got 'at', has times without a zone; set timezone: of the source"
    ):
        Company(tmp_path, table_contract("parquet")).ingest(path, source="shop")
    company = Company(tmp_path, table_contract("parquet", {"timezone": "America/New_York"}))
    company.ingest(path, source="shop")
    assert company.engine.value("SELECT event_time FROM events") == naive(datetime(2026, 2, 1, 17, tzinfo=UTC))


@pytest.mark.parametrize("content", [b"PAR1junk", b"id,at\n1,2\n"])
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message names the file and what it was read as."""
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as parquet \(.*\); correct the file or format:"):
        table(tmp_path, "a.parquet", content, table_contract("parquet"))


def record(number: int, **given: Any) -> dict[str, Any]:
    """One row of a JSON source."""
    return {"id": number, "at": "2026-03-01T00:00:00Z", "order_id": "o1", "total": 1.5} | given


def test_ndjson_rows_are_flattened_and_broken_ones_kept_whole(tmp_path: Path) -> None:
    """A nested value has a dotted name; a line that is no object is in quarantine as it was."""
    contract = table_contract("ndjson", amounts={"revenue": "price.total"})
    rows = [record(1, price={"total": 2}), record(2, price={"total": "abc"}), record(3, price=5), record(4)]
    text = "".join(f"{json.dumps(row)}\n" for row in rows) + "{broken\n[1,2]\n"
    company, report = table(tmp_path, "a.ndjson", text, contract)
    assert (report.received, report.accepted, report.rejected) == (6, 3, 3)
    assert revenue(company.engine) == {"1": Decimal(2), "3": None, "4": None}
    assert [(place, rule, got) for place, rule, _, got, _ in refusals(company.engine)] == [
        (2, "number", "abc"), (5, "json", "text that is no JSON object"), (6, "json", "text that is no JSON object"),
    ]  # fmt: skip
    raws = company.engine.rows("SELECT raw FROM quarantine WHERE rule = 'json' ORDER BY position")
    assert [json.loads(raw)["_line"] for (raw,) in raws] == ["{broken\n", "[1,2]\n"]


def test_nested_json_names_its_rows_and_loads_what_encloses_them(tmp_path: Path) -> None:
    """``records`` finds arrays at any depth; ``load`` takes a constant from the nearest object that has it."""
    document = {
        "workflow": {"id": "w"},
        "batches": [{"name": "n1", "tasks": [record(1)]}, {"name": "n2", "tasks": [record(2), 5]}],
    }
    load = {"records": "tasks", "load": {"batch": "parent.name", "workflow": "parent.workflow.id"}}
    contract = table_contract("json", load, segments={"plan": "batch || '/' || workflow"})
    company, report = table(tmp_path, "a.json", json.dumps(document), contract)
    assert (report.accepted, report.rejected) == (2, 1)
    plans = company.engine.rows("SELECT id, segment_plan FROM events JOIN cells USING (cell_id) ORDER BY id")
    assert plans == [("1", "n1/w"), ("2", "n2/w")]


def test_a_json_source_keeps_every_digit(tmp_path: Path) -> None:
    """Numbers are typed decimals in expressions, without a float on the way."""
    contract = table_contract("json", amounts={"revenue": "total * 2"})
    text = json.dumps([record(1)]).replace("1.5", "12345678901234.123456789012")
    company, _ = table(tmp_path, "a.json", text, contract)
    assert revenue(company.engine) == {"1": Decimal("24691357802468.246913578024")}


@pytest.mark.parametrize(
    ("content", "source", "said"),
    [
        ('{"tasks": [', {"records": "tasks"}, "is not JSON"),
        ('{"jobs": []}', {"records": "tasks"}, "has no array 'tasks'; correct records: of the source"),
        (
            '{"tasks": [{"id": 1}]}',
            {"records": "tasks", "load": {"plan": "parent.x"}},
            "has no 'parent.x' around its records",
        ),
        ("[1, 2]", {}, "has no JSON object with fields in its first 2 rows"),
    ],
)
def test_a_json_source_of_another_shape_is_refused(
    tmp_path: Path, content: str, source: dict[str, Any], said: str
) -> None:
    """The message names what was looked for."""
    with pytest.raises(InputError, match=said):
        table(tmp_path, "a.json", content, table_contract("json", source))


@pytest.mark.parametrize(("content", "source"), [("[]", {}), ('{"tasks": []}', {"records": "tasks"})])
def test_a_json_source_without_records_is_no_error(tmp_path: Path, content: str, source: dict[str, Any]) -> None:
    """An empty array is an answer."""
    assert table(tmp_path, "a.json", content, table_contract("json", source))[1].received == 0


def test_files_of_several_kinds_are_read_one_after_the_other(tmp_path: Path) -> None:
    """CloudEvents after a table and a table after CloudEvents, in one run of the engine."""
    company, _ = table(tmp_path, "a.csv", HEAD + ROW, CSV)
    company.deliver([line(id="event")])
    (tmp_path / "b.csv").write_text(HEAD + ROW.replace("1,", "2,", 1), encoding="utf-8")
    company.ingest(tmp_path / "b.csv", source="shop")
    assert accepted(company.engine) == ["1", "2", "event"]


def test_an_unknown_source_or_file_is_named(tmp_path: Path) -> None:
    """Names are what the contract gives; a directory is no file."""
    with pytest.raises(UsageError, match=r"source 'till' is not in perunit.yaml \(it has shop\)"):
        Company(tmp_path, CSV).ingest(tmp_path / "a.csv", source="till")
    with pytest.raises(InputError, match=r"a\.csv: No such file or directory; name a file that can be read"):
        Company(tmp_path, CSV).ingest(tmp_path / "a.csv", source="shop")
    with pytest.raises(InputError, match="is a directory; name a file"):
        Company(tmp_path, CSV).ingest(tmp_path, source="shop")
