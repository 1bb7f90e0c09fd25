"""How data comes in, over HTTP: counts, drift, lag, rates over time; what waits in quarantine and its way back."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from .workplace import office, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Running

ALL = {"from_": "2020-01-01", "to": "2040-01-01"}


@pytest.fixture(scope="module")
def doors(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The company, whose quarantine may be replayed."""
    with office(studio, tmp_path_factory.mktemp("quality")) as found:
        told(found, "ingest", str(strange_events(found.service.project.root)), code=None)
        yield found


def strange_events(root: Path) -> Path:
    """A file of some events that are refused, and one with a field that the contract does not know."""
    lines = min((root / "events").iterdir()).read_text().splitlines()
    event = next(event for event in map(json.loads, lines) if event["type"] == "order.placed")
    refused = [event | {"id": f"refused-{number}", "time": "2099-01-01T00:00:00Z"} for number in range(5)]
    strange = event | {"id": "strange", "data": event["data"] | {"surprise": 1}}
    path = root / "strange.ndjson"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in [strange, *refused]))
    return path


def without_freshness(answer: dict[str, Any]) -> dict[str, Any]:
    """What two who ask at different times are told alike."""
    rows = [{name: value for name, value in row.items() if name != "freshness_seconds"} for row in answer["rows"]]
    return answer | {"rows": rows}


@pytest.mark.parametrize("by", ["source", "producer", "day", "rule"])
def test_quality_is_as_the_command_line_says(doors: Running, by: str) -> None:
    """Whatever a row is of; with a week's window by default too."""
    said = told(doors, "quality", "--by", by, "--from", "2020-01-01")
    assert said["rows"]
    assert without_freshness(doors.get("/quality", by=by, from_="2020-01-01")) == without_freshness(said)
    assert without_freshness(doors.get("/quality", by=by)) == without_freshness(told(doors, "quality", "--by", by))
    assert doors.get("/quality", by=by, source="nobody")["rows"] == []


def test_drift_is_as_the_command_line_says(doors: Running) -> None:
    """Of an event with a field that the contract does not know."""
    said = told(doors, "quality", "--drift")
    assert said["drift"]
    assert doors.get("/quality/drift") == said


def test_lags_count_every_event_once(doors: Running) -> None:
    """In buckets that say up to how many seconds; what came in another window is in none."""
    found = doors.get("/quality/lag", **ALL)
    assert found["events"] == sum(bucket["events"] for bucket in found["buckets"])
    assert found["events"] == sum(row["accepted"] for row in doors.get("/quality", **ALL)["rows"])
    assert [bucket["up_to_seconds"] for bucket in found["buckets"]][-2:] == [2_592_000, None]
    # The simulated company lived long before its events were taken in.
    assert found["buckets"][-1]["events"] + found["buckets"][-2]["events"] > 0
    assert doors.get("/quality/lag", from_="2020-01-01", to="2021-01-01")["events"] == 0


def test_rates_over_time_are_those_of_all_time_cut(doors: Running) -> None:
    """Counts sum to the totals, and each rule's rows to what was rejected."""
    rows = doors.get("/quality/rates", from_="2025-01-01", to="2028-01-01")["rows"]
    (whole,) = (row for row in doors.get("/quality", **ALL)["rows"] if row["source"] == "cloudevents")
    for name in ("received", "accepted", "duplicate", "rejected", "orphan", "late"):
        assert sum(row[name] for row in rows if row["source"] == "cloudevents") == whole[name]
    for row in rows:
        assert sum(row["rules"].values()) == row["rejected"]
        if row["received"]:
            assert Decimal(row["duplicate_rate"]) == Decimal(row["duplicate"]) / row["received"] or row["duplicate"]
    assert doors.send("GET", "/api/v1/quality/rates?from=1970-01-01&to=2040-01-01&grain=hour").status == 400


def test_quarantine_lists_what_waits(doors: Running) -> None:
    """Counted as the command line counts, in pages without what rows held; one by itself whole."""
    rows, after = [], None
    while True:
        page = doors.get("/quarantine", limit=7, after=after)
        rows += page["rows"]
        if (after := page["next"]) is None:
            break
    summary = told(doors, "quarantine", "list")
    assert [{**each, "since": None} for each in page["summary"]] == [{**each, "since": None} for each in summary]
    assert len({row["quarantine_id"] for row in rows}) == len(rows) == sum(each["rows"] for each in summary)
    assert not any("raw" in row for row in rows)
    first = rows[0]["quarantine_id"]
    (said,) = told(doors, "quarantine", "show", str(first))
    assert doors.get(f"/quarantine/{first}")["raw"] == said["raw"]
    rule = summary[0]["rule"]
    assert {row["rule"] for row in doors.get("/quarantine", rule=rule)["rows"]} == {rule}
    assert doors.send("GET", "/api/v1/quarantine/999999999").status == 404
    assert doors.send("GET", "/api/v1/quarantine?after=WyJ4Il0").status == 400


def test_replay_is_the_command_lines(doors: Running) -> None:
    """What is refused once more waits anew; who may not changes nothing."""
    summary = next(each for each in told(doors, "quarantine", "list") if each["kind"] == "rejected")
    for who in ("nobody", "european", "operational"):
        answer = doors.send("POST", "/api/v1/quarantine/replay", body={"reason": "x"}, who=who)
        assert answer.status == 403
    assert doors.send("POST", "/api/v1/quarantine/replay", body={"reason": ""}).status == 422
    ids = [row["quarantine_id"] for row in doors.get("/quarantine", kind="rejected", limit=2)["rows"]]
    made = doors.send("POST", "/api/v1/quarantine/replay", body={"ids": ids, "reason": "mended"})
    assert made.status == 200, made.body
    assert sum(report["received"] for report in made.body["reports"]) == len(ids)
    again = {row["quarantine_id"] for row in doors.get("/quarantine", kind="rejected", limit=500)["rows"]}
    assert not again & set(ids)
    after = next(each for each in told(doors, "quarantine", "list") if each["rule"] == summary["rule"])
    assert after["rows"] == summary["rows"]


@pytest.mark.parametrize("path", ["/quality", "/quality/drift", "/quality/lag", "/quality/rates", "/quarantine"])
def test_who_may_not_is_told_so(doors: Running, path: str) -> None:
    """Without the permission."""
    assert doors.send("GET", f"/api/v1{path}", who="nobody").status == 403
