"""The lines are valid CloudEvents in the order of arrival, with copies and late events as asked."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from perunit.simulate.project import SCHEMAS

if TYPE_CHECKING:
    from tests.simulate.conftest import Company

KEYWORDS = {"type", "properties", "required", "enum", "minimum", "minLength", "format", "additionalProperties"}
ENVELOPE = {"specversion", "id", "source", "type", "time", "recordedtime", "datacontenttype", "data"}


def instant(text: str) -> datetime:
    """A time of a line."""
    return datetime.fromisoformat(text)


def test_every_line_has_the_cloudevents_envelope(company: Company) -> None:
    """The required attributes are there, times are UTC to the millisecond."""
    for event in company.events:
        assert set(event) == ENVELOPE
        assert event["specversion"] == "1.0"
        assert len(event["id"]) == 16
        assert event["time"].endswith("Z")
        assert len(event["time"]) == len(event["recordedtime"]) == 24


def test_every_line_fits_its_schema(company: Company) -> None:
    """The data of each line is valid against the project's own schema files, and every type occurs."""
    validators = {
        path.stem: jsonschema.Draft202012Validator(json.loads(path.read_text()))
        for path in (company.root / "schemas").iterdir()
    }
    for event in company.events:
        validators[event["type"]].validate(event["data"])
    assert {event["type"] for event in company.events} == set(validators) == set(SCHEMAS)


def test_schemas_use_only_what_ingest_understands(company: Company) -> None:
    """No keyword beyond those the event contract reads."""

    def words(schema: dict[str, Any]) -> set[str]:
        inner = schema.get("properties", {}).values()
        return set(schema).union(*(words(part) for part in inner))

    for schema in SCHEMAS.values():
        assert words(schema) <= KEYWORDS


def test_events_lie_within_the_days(company: Company) -> None:
    """No event happens before the first day or after the last, and none is recorded before it happens."""
    for event in company.events:
        assert company.options.first <= instant(event["time"]) < company.options.end
        assert instant(event["recordedtime"]) > instant(event["time"])


def test_originals_stand_in_the_order_of_recording(company: Company) -> None:
    """The first lines of all events rise by recordedtime."""
    seen: dict[tuple[str, str], str] = {}
    for event in company.events:
        seen.setdefault((event["source"], event["id"]), event["recordedtime"])
    times = list(seen.values())
    assert times == sorted(times)


def test_copies_come_later_and_are_what_they_say(company: Company) -> None:
    """A copy is the very same line (duplicate) or the same but for one number of its data (conflict)."""
    first: dict[tuple[str, str], bytes] = {}
    duplicates = conflicts = 0
    for line in company.lines:
        event = json.loads(line)
        key = (event["source"], event["id"])
        stands = first.setdefault(key, line)
        if stands is line:
            continue
        if stands == line:
            duplicates += 1
            continue
        conflicts += 1
        before = json.loads(stands)
        assert {name for name in event if event[name] != before[name]} == {"data"}
        assert len([name for name in event["data"] if event["data"][name] != before["data"][name]]) == 1
    counted = (len(first), duplicates, conflicts)
    assert counted == (company.summary.events, company.summary.duplicates, company.summary.conflicts)


def test_some_copies_lie_in_other_parts(company: Company) -> None:
    """Duplicates are found only by who remembers more than one file."""
    parts = defaultdict(set)
    for path in sorted((company.root / "events").iterdir()):
        for line in path.read_bytes().splitlines():
            parts[line].add(path.name)
    assert any(len(names) > 1 for names in parts.values())


def test_shares_are_as_asked(company: Company) -> None:
    """Duplicates, conflicts and late events are within sampling error of the shares."""
    summary, options = company.summary, company.options
    for count, share in (
        (summary.duplicates, options.duplicates),
        (summary.conflicts, options.conflicts),
        (summary.late, options.late),
    ):
        spread = (share * (1 - share) / summary.events) ** 0.5
        assert abs(count / summary.events - share) < 5 * spread


def test_late_means_more_than_a_day(company: Company) -> None:
    """Exactly the late ones are recorded more than 24 hours after they happened."""
    unique = {(event["source"], event["id"]): event for event in company.events}.values()
    lags = [instant(event["recordedtime"]) - instant(event["time"]) for event in unique]
    assert sum(lag > timedelta(hours=24) for lag in lags) == company.summary.late
    assert max(lag for lag in lags if lag <= timedelta(hours=24)) < timedelta(hours=1)


def test_attempts_of_an_order_share_their_intent(company: Company) -> None:
    """An order has up to three attempts under one intent; only the last can succeed, and then it completes."""
    attempts: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    completed = {event["data"]["order_id"] for event in company.events if event["type"] == "order.completed"}
    seen = set()
    for event in company.events:
        if event["type"] == "checkout.attempted" and (event["source"], event["id"]) not in seen:
            seen.add((event["source"], event["id"]))
            attempts[event["data"]["order_id"]][event["data"]["attempt"]] = event["data"]
    assert any(len(tries) == 3 for tries in attempts.values())
    for order, tries in attempts.items():
        ordered = [tries[number] for number in sorted(tries)]
        assert len({tried["intent"] for tried in ordered}) == 1
        assert all(tried["outcome"] == "failure" for tried in ordered[:-1])
        # An order of the last minutes may complete after the end.
        assert ordered[-1]["outcome"] == "success" or order not in completed


@pytest.mark.parametrize("share", ["duplicates", "conflicts", "late"])
def test_the_summary_agrees_with_the_truth(company: Company, share: str) -> None:
    """Counts of written lines and counts of the tally are made apart and agree."""
    assert str(getattr(company.summary, share)) == company.truth["totals"][share]
