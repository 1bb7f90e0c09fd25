"""Figures over HTTP are those of the command line, page by page, for whoever may see them."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perunit.faces.cli.main import main
from perunit.live.loan import Loan
from perunit.wiring import LENDER

if TYPE_CHECKING:
    from tests.faces.api.v1.conftest import Running

START, DAYS = datetime(2026, 9, 24, tzinfo=UTC), 12
MEASURES = (
    *("units", "attempts", "failures", "success_rate", "revenue", "revenue_loss", "refund_rate", "contribution_margin"),
    *("contribution_margin_per_unit", "usage_cost", "latency_ms_p95", "cost_variance", "cpu_seconds_per_unit"),
)
DIMENSIONS = ("plan", "region", "channel", "release", "source")
VALUES = {"plan": ("free", "pro", "team", ""), "region": ("eu-west-1", "us-east-1", "nowhere"), "channel": ("web", "")}


def verb(company: Running, *words: str) -> Any:
    """What a verb answers in JSON, on the running project."""
    out = io.StringIO()
    token = LENDER.set(Loan(company.service))
    try:
        with redirect_stdout(out):
            code = main(["-C", str(company.service.project.root), "--json", *words])
    finally:
        LENDER.reset(token)
    assert code == 0, out.getvalue()
    return json.loads(out.getvalue())


def expression(filters: list[str]) -> str:
    """The same condition as the command line takes it."""
    parts = []
    for text in filters:
        name, _, values = text.partition(":")
        excludes, name = name.endswith("!"), name.removesuffix("!")
        known = ", ".join(f"'{value}'" for value in values.split(",") if value)
        each = ([f"coalesce({name} in ({known}), false)"] if known else []) + (
            [f"{name} is null"] if "" in values.split(",") else []
        )
        parts.append(f"{'not ' if excludes else ''}({' or '.join(each)})")
    return " and ".join(parts)


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """A question that has an answer: whole days, where a measure needs them."""
    first = draw(st.integers(0, DAYS - 2))
    last = draw(st.integers(first + 1, DAYS))
    question: dict[str, Any] = {
        "measures": draw(st.lists(st.sampled_from(MEASURES), min_size=1, max_size=4, unique=True)),
        "by": draw(st.lists(st.sampled_from(DIMENSIONS), max_size=2, unique=True)),
        "grain": draw(st.sampled_from(["total", "day", "month"])),
        "from": f"{START + timedelta(days=first):%Y-%m-%d}",
        "to": f"{START + timedelta(days=last):%Y-%m-%d}",
        "compare": draw(st.sampled_from(["off", "previous", "week"])),
        "unit": draw(st.sampled_from(["order", "user"])),
    }
    if question["grain"] == "month":
        question |= {"compare": "off"}
    chosen = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=2, unique=True))
    question["filters"] = [
        f"{name}{draw(st.sampled_from(['', '!']))}:"
        + ",".join(draw(st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=2, unique=True)))
        for name in chosen
    ]
    return question


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(question=questions())
def test_every_figure_is_the_command_line_s(company: Running, question: dict[str, Any]) -> None:
    """Of random questions, by GET and by POST: the same rows to the last digit."""
    words = [*question["measures"], "--grain", question["grain"], "--from", question["from"], "--to", question["to"]]
    words += ["--compare", question["compare"], "--unit", question["unit"]]
    words += [word for name in question["by"] for word in ("--by", name)]
    words += ["--where", expression(question["filters"])] if question["filters"] else []
    told = verb(company, "query", *words)
    (posted,) = company.queries({**question, "limit": 10_000})
    parameters = {**question, "measure": question["measures"], "filter": question["filters"], "limit": 10_000}
    got = company.get(
        "/query", **{name: parameters[name] for name in parameters if name not in {"measures", "filters"}}
    )
    for name in ("rows", "columns", "notes", "window", "compared_with", "price_books", "currency", "unit"):
        assert got[name] == posted[name] == told[name]
    assert got["filters"] == question["filters"]


def test_the_catalogue_is_the_command_line_s(company: Running) -> None:
    """Every measure, with its formula; whoever may not ask for one is told so."""
    told = {each["name"]: each for each in verb(company, "measures")}
    listed = company.get("/measures")
    assert {each["name"]: {k: v for k, v in each.items() if k != "allowed"} for each in listed} == told
    assert all(each["allowed"] for each in listed)
    assert {each["allowed"] for each in company.get("/measures", who="nobody")} == {False}


def test_pages_of_rows_are_the_rows(company: Running) -> None:
    """`next` goes on where the page ended, in any order, until there is no more."""
    question = {"measure": "revenue", "by": "region,channel", "grain": "day", "order": "-revenue"}
    whole = company.get("/query", **question)["rows"]
    rows, after = [], None
    while True:
        page = company.get("/query", **question, limit=37, after=after)
        rows += page["rows"]
        if (after := page["next"]) is None:
            break
        assert len(page["rows"]) == 37
    assert rows == whole
    assert len(rows) > 37


def test_fewer_points_keep_the_extremes(company: Running) -> None:
    """At most about so many rows, of them the least and the greatest, and the answer says how many are missing."""
    question = {"measures": ["revenue", "units"], "grain": "hour", "from": "2026-09-24", "to": "2026-10-06"}
    (whole,) = company.queries({**question, "limit": 10_000})
    (few,) = company.queries({**question, "points_max": 40})
    assert len(few["rows"]) <= 44
    assert len(few["rows"]) + few["points_left_out"] == len(whole["rows"])
    assert [row for row in whole["rows"] if row in few["rows"]] == few["rows"]
    for measure in question["measures"]:
        for extreme in (min, max):
            assert extreme(Decimal(row[measure]) for row in few["rows"]) == extreme(
                Decimal(row[measure]) for row in whole["rows"]
            )


def test_a_custom_window_is_compared_with(company: Running) -> None:
    """Days stand beside days as far from the start of their window; what is before is what a query of then gives."""
    question = {"measure": "revenue", "from": "2026-10-01", "to": "2026-10-04", "compare": "custom"}
    custom = {"compare_from": "2026-09-25", "compare_to": "2026-09-28"}
    total = company.get("/query", **question, **custom)
    then = company.get("/query", measure="revenue", from_="2026-09-25", to="2026-09-28")
    assert total["rows"][0]["revenue_before"] == then["rows"][0]["revenue"]
    assert total["compared_with"] == then["window"]
    days = company.get("/query", **question, **custom, grain="day")["rows"]
    days_then = company.get("/query", measure="revenue", from_="2026-09-25", to="2026-09-28", grain="day")["rows"]
    assert [row["revenue_before"] for row in days] == [row["revenue"] for row in days_then]
    words = ["--from", "2026-10-01", "--to", "2026-10-04", "--compare", "custom"]
    words += ["--compare-from", "2026-09-25", "--compare-to", "2026-09-28"]
    assert verb(company, "query", "revenue", *words)["rows"] == total["rows"]


def test_one_refused_question_does_not_fail_the_others(company: Running) -> None:
    """It has its problem in its place."""
    good, bad, other = company.queries(
        {"measures": ["units"]}, {"measures": ["unit"]}, {"measures": ["units"], "by": ["meter"]}
    )
    assert good["rows"][0]["units"] > 0
    assert bad["problem"]["status"] == 400
    assert "measure: got 'unit'" in bad["problem"]["detail"]
    assert "by: got 'meter'" in other["problem"]["detail"]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"measure": "units", "filter": "region"}, "filter: got 'region'"),
        ({"measure": "units", "filter": "regio:x"}, "filter: got 'regio', must be a dimension; did you mean region"),
        ({"measure": "units", "from": "yesterday"}, "from: got 'yesterday'"),
        ({"measure": "units", "from": "2026-09-02", "to": "2026-09-01"}, "to: got '2026-09-01', must lie after from"),
        ({"measure": "units", "order": "-nothing"}, "order: got 'nothing'"),
        ({"measure": "units", "compare": "previous"}, "compare: an open window"),
        ({"measure": "units", "compare": "custom"}, "compare custom: needs a window"),
        ({"measure": "units", "grain": "minute"}, "grain minute: sums are kept by the hour"),
        ({"measure": "units", "after": "?"}, "after: got '?'"),
        ({"measure": "units", "currency": "XXX1"}, "currency: got 'XXX1'"),
    ],
)
def test_refusals_name_the_parameter(company: Running, parameters: dict[str, str], said: str) -> None:
    """As the API calls it, with what it got and how to mend it."""
    from tests.faces.api.v1.conftest import asked

    answer = company.send("GET", f"/api/v1/query{asked(parameters)}")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert said in answer.body["detail"]
    assert "--" not in answer.body["detail"]


@pytest.mark.parametrize(
    "value", ["a'b", 'a"b', "a;b", "a\\", "é✓", "%", "a,b", "$1", "a\x00b", "' or 1=1 --", "\ud800"]
)
def test_any_value_may_be_filtered_by(company: Running, value: str) -> None:
    """It is compared, never run: an unknown one finds nothing, and all but it finds everything."""
    from perunit.measures.filters import Filter

    if value == "\ud800":
        (refused,) = company.queries({"measures": ["events"], "filters": [f"region:{value}"]})
        assert "filter: got 'region:\\ud800'" in refused["problem"]["detail"]
        return
    none, every, whole = company.queries(
        {"measures": ["events"], "filters": [str(Filter("region", (value,)))]},
        {"measures": ["events"], "filters": [str(Filter("region", (value,), excludes=True))]},
        {"measures": ["events"]},
    )
    assert [row["events"] for row in none["rows"]] in ([0], [])
    assert every["rows"] == whole["rows"]


def test_the_project_says_what_there_is(company: Running) -> None:
    """Names of the contract, values of dimensions, and how fresh the facts are."""
    project = company.get("/project")
    assert [unit["name"] for unit in project["units"]] == ["order", "user"]
    dimensions = {each["name"]: each["values"] for each in project["dimensions"]}
    rows = company.get("/query", measure="events", by="region")["rows"]
    assert dimensions["region"] == [row["region"] for row in rows if row["region"]]
    query = company.get("/query", measure="units")
    assert {name: project["freshness"][name] for name in query["freshness"]} == query["freshness"]
    assert project["freshness"]["lag_seconds"] > 0
    european = {each["name"]: each["values"] for each in company.get("/project", who="european")["dimensions"]}
    assert european["region"] == ["eu-west-1"]


def test_a_body_has_an_end(company: Running) -> None:
    """One that is larger than any question is refused before it is read."""
    questions = {"queries": [{"measures": ["units"], "filters": ["region:" + "x" * (9 << 20)]}]}
    answer = company.send("POST", "/api/v1/queries", body=questions)
    assert answer.status in {400, 413}
    assert answer.headers["content-type"] == "application/problem+json"
    assert company.queries({"measures": ["units"]})[0]["rows"]
