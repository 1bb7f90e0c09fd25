"""A file holds the whole answer, exactly, and nothing in it is run by a spreadsheet."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.faces.api.v1.conftest import asked
from tests.faces.api.v1.test_reading import fresh, ingested, paid

if TYPE_CHECKING:
    from tests.faces.api.v1.conftest import Running

__all__ = ["fresh"]
QUESTION = {"measure": "units,revenue,success_rate", "by": "region,channel,release,plan", "grain": "hour"}


def file(company: Running, form: str, **question: Any) -> bytes:
    """An exported file."""
    answer = company.send("GET", f"/api/v1/export{asked({**question, 'format': form})}")
    assert answer.status == 200, answer.body
    assert f'filename="perunit-{question["measure"].split(",")[0]}.{form}"' in answer.headers["content-disposition"]
    assert isinstance(answer.body, bytes)
    return answer.body


def rows(company: Running, **question: Any) -> list[dict[str, Any]]:
    """The same rows by pages of the query."""
    found, after = [], None
    while True:
        page = company.get("/query", **question, after=after)
        found += page["rows"]
        if (after := page["next"]) is None:
            return found


def test_csv_is_the_whole_answer(company: Running) -> None:
    """Every row after a line that says what it is, beyond the rows of a page; unknown is empty."""
    head, *lines = io.StringIO(file(company, "csv", **QUESTION).decode(), newline="")
    assert head.startswith("# timezone=UTC currency=USD unit=order from= to= facts_up_to=2026-10-0")
    wanted = rows(company, **QUESTION)
    assert len(wanted) > 1_000
    plain = [{name: "" if value is None else str(value) for name, value in row.items()} for row in wanted]
    assert [{**row, "complete": row["complete"].title()} for row in csv.DictReader(lines)] == plain


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_tables_are_the_whole_answer(company: Running, form: str) -> None:
    """With exact decimals, whole counts and times in UTC."""
    content = io.BytesIO(file(company, form, **QUESTION))
    table = pq.read_table(content) if form == "parquet" else pa.ipc.open_stream(content).read_all()
    wanted = rows(company, **QUESTION)
    assert table.num_rows == len(wanted)
    assert table.schema.field("units").type == pa.int64()
    for got, want in zip(table.to_pylist(), wanted, strict=True):
        assert got["hour"].isoformat().replace("+00:00", "Z") == want["hour"]
        assert [got[name] for name in ("region", "channel", "release", "units", "status", "complete")] == [
            want[name] for name in ("region", "channel", "release", "units", "status", "complete")
        ]
        revenue = want["revenue"]
        assert got["revenue"] == (None if revenue is None else Decimal(revenue))


def test_limit_and_order_hold_for_files_too(company: Running) -> None:
    """As asked."""
    question = {**QUESTION, "order": "-revenue", "limit": 3}
    lines = file(company, "csv", **question).decode().splitlines()
    wanted = company.get("/query", **question)["rows"]
    assert [line.split(",")[6] for line in lines[2:]] == [row["revenue"] for row in wanted]


@pytest.mark.parametrize("release", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "a=1", 'a"b,c\nd'])
def test_no_text_is_a_formula(fresh: Running, release: str) -> None:
    """An apostrophe stands before what a spreadsheet would run; negative numbers and other texts are as they are."""
    event = paid(2_000 + len(release))
    event["id"] = f"formula-{release!r}"
    event["data"] |= {"release": release, "order_id": f"formula-{release!r}"}
    ingested(fresh, event)
    text = file(fresh, "csv", measure="units,contribution_margin", by="release").decode()
    _, *lines = io.StringIO(text, newline="")
    shown = {row["release"] for row in csv.DictReader(lines)}
    formula = release[0] in "=+-@\t\r"
    assert (f"'{release}" in shown) == formula
    assert (release in shown) != formula


def test_who_may_not_export_gets_no_file(company: Running) -> None:
    """Though they may ask for the figures."""
    assert company.get("/query", measure="units", who="operational")["rows"]
    answer = company.send("GET", "/api/v1/export?measure=units", who="operational")
    assert (answer.status, answer.headers["content-type"]) == (403, "application/problem+json")
