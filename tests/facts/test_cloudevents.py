"""CloudEvents that are wrong somewhere: each is refused alone, with the place, the value, the rule and the mend."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.facts.said import NOT_JSON, accepted, line, numbered, refusals, revenue
from tests.invariants.company import CONTRACT, Company

from perunit.contract.shape import Contract

if TYPE_CHECKING:
    from pathlib import Path

FINITE = "must be a finite decimal number of at most 15 digits before the point; correct it"
PLACES = "must have at most 12 decimal places; round it where it is made"
ZONE = "must end with Z or an offset such as +02:00; state the offset or the source's timezone"
READABLE = "must be a time such as 2026-09-01T12:00:00Z; correct it"
RANGE = "must lie between 1970 and 2026-04-01 00:00 UTC; correct the clock or limits.future_hours"


def test_what_is_no_event_is_refused_with_its_reason(tmp_path: Path) -> None:
    """Every attribute that CloudEvents requires, every event type the contract does not know."""
    known, mend = (
        "order.completed, order.attempted, order.refunded, api.called, user.visited",
        "correct it, or add it there",
    )
    wrong = {
        line(id=...): ("required", "id", "nothing", "must be there; send it"),
        line(id=""): ("required", "id", "nothing", "must be there; send it"),
        line(source=...): ("required", "source", "nothing", "must be there; send it"),
        line(type=...): ("required", "type", "nothing", "must be there; send it"),
        line(time=...): ("required", "time", "nothing", "must be there; send it"),
        line(specversion="0.3"): ("cloudevents", "specversion", "0.3", "must be '1.0'; send CloudEvents 1.0"),
        line(type="nope"): ("event type", "type", "nope", f"must be an event type of the contract ({known}); {mend}"),
        **dict.fromkeys(("[1,2]", '"text"', "5", "null", "{broken", '{"a":1}x', '{"a":' * 9000), NOT_JSON),
        # Half a surrogate pair is no character, and JSON with it no text.
        line().replace("o1", "\\ud800"): NOT_JSON,
    }
    company = Company(tmp_path)
    report = company.deliver([line(), *wrong])[0]
    assert (report.received, report.accepted, report.rejected) == (len(wrong) + 1, 1, len(wrong))
    assert refusals(company.engine) == [(place, *reason) for place, reason in enumerate(wrong.values(), 2)]
    raws = [raw.strip() for (raw,) in company.engine.rows("SELECT raw FROM quarantine ORDER BY position")]
    assert raws == list(wrong)


def test_data_of_another_shape_is_an_event_without_facts(tmp_path: Path) -> None:
    """Without a schema the data need not be an object; the event is an orphan, and counted as one."""
    company = Company(tmp_path)
    report = company.deliver([line(id="a", data="text"), line(id="b", data=[1]), line(id="c", data=...)])[0]
    assert (report.accepted, report.orphan) == (3, 3)
    assert revenue(company.engine) == {"a": None, "b": None, "c": None}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1.5", "1.5"), (1.5, "1.5"), (7, "7"), ("-0.01", "-0.01"),
        (" 7 ", "7"), ("0.1234567890120000", "0.123456789012"),
        ("999999999999999.999999999999", "999999999999999.999999999999"),
        ("1e-7", "0.0000001"), (1e-7, "0.0000001"), ("1.5E3", "1500"), ("1.50e-11", "0.000000000015"), (None, None),
    ],
)  # fmt: skip
def test_an_amount_is_kept_to_the_digit(tmp_path: Path, sent: Any, kept: str | None) -> None:
    """As a number or as decimal text, with or without an exponent; null is unknown, not 0."""
    company = Company(tmp_path)
    company.deliver(numbered("total", [sent]))
    assert revenue(company.engine) == {"00": None if kept is None else Decimal(kept)}


def test_what_is_no_amount_is_refused(tmp_path: Path) -> None:
    """Text, infinities, more digits than are kept, and what only some readers take for a number."""
    numbers = ["abc", "NaN", "Infinity", "-inf", "1_000", "1234567890123456", "0x10", "１２", "", "1,5", "1e400"]
    precise = ["0.12345678901234567890", "1.5e-12", "0.0000000000001"]
    company = Company(tmp_path)
    company.deliver([*numbered("total", [*numbers, *precise, True, [1]]), line(id="x").replace('"1"}', "NaN}")])
    wrong = [("number", text, FINITE) for text in numbers] + [("precision", text, PLACES) for text in precise]
    wrong += [("number", text, FINITE) for text in ("true", "[1]", "NaN")]
    assert accepted(company.engine) == []
    assert refusals(company.engine) == [
        (place, rule, "amounts.revenue", got, expected) for place, (rule, got, expected) in enumerate(wrong, 1)
    ]


def test_amounts_of_the_greatest_size_add_up(tmp_path: Path) -> None:
    """However many of the widest amounts there are, their sums still fit."""
    company = Company(tmp_path)
    company.deliver(numbered("total", ["999999999999999.999999999999"] * 50))
    expected = Decimal("999999999999999.999999999999") * 50
    assert company.engine.value("SELECT sum(revenue) FROM rollup") == expected


def test_currencies_are_iso_codes_and_never_added(tmp_path: Path) -> None:
    """An unknown code refuses the row; events in several currencies are several sums."""
    lines = [
        line(id=f"{number}", data={"order_id": "o1", "total": "10", "currency": code})
        for number, code in enumerate(["EUR", "USD", None, "EUR", "XXX", "usd", "", "US"])
    ]
    company = Company(tmp_path)
    company.deliver(lines)
    expected = "must be an ISO 4217 code in capitals; correct it"
    assert refusals(company.engine) == [
        (place, "currency", "currency", code, expected) for place, code in [(5, "XXX"), (6, "usd"), (7, ""), (8, "US")]
    ]
    sums = company.engine.rows(
        "SELECT currency, sum(revenue) FROM rollup JOIN cells USING (cell_id) GROUP BY 1 ORDER BY 1"
    )
    assert sums == [("EUR", Decimal(20)), ("USD", Decimal(20))]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-03-01T02:00:00+02:00", "2026-03-01T00:00:00"),
        ("2026-02-28T13:30:00-10:30", "2026-03-01T00:00:00"),
        ("2026-03-01T02:00:00+0200", "2026-03-01T00:00:00"),
        ("2026-03-01 00:00:00.123456Z", "2026-03-01T00:00:00.123456"),
        ("2026-03-01T00:00:00.123456789Z", "2026-03-01T00:00:00.123456"),
        ("2026-04-01T00:00:00Z", "2026-04-01T00:00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00"),
    ],
)
def test_an_offset_is_taken_to_utc(tmp_path: Path, sent: str, kept: str) -> None:
    """Times are instants: whatever the offset, the store keeps the one instant in UTC, to the microsecond."""
    company = Company(tmp_path)
    company.deliver([line(time=sent)])
    assert company.engine.value("SELECT event_time FROM events") == datetime.fromisoformat(kept)


def test_what_is_no_instant_is_refused(tmp_path: Path) -> None:
    """Times without an offset, dates, words, days that do not exist, and times that cannot be."""
    wrong = {
        "2026-03-01T02:00:00": ("time zone", ZONE), "2026-03-01": ("time zone", ZONE),
        "2026-03-01 02:00": ("time zone", ZONE),
        "infinity": ("time zone", ZONE), "epoch": ("time zone", ZONE), "now": ("time zone", ZONE),
        "2026-03-01T02:00:00 Europe/Paris": ("time zone", ZONE), "1767225600": ("time zone", ZONE),
        "infinityZ": ("time", READABLE), "2026-02-30T00:00:00Z": ("time", READABLE),
        "2026-03-01T25:00:00Z": ("time", READABLE),
        "9999-01-01T00:00:00Z": ("time range", RANGE), "2026-04-01T00:00:00.000001Z": ("time range", RANGE),
        "1969-12-31T23:59:59Z": ("time range", RANGE),
    }  # fmt: skip
    company = Company(tmp_path)
    company.deliver([line(id=text, time=text) for text in wrong])
    assert accepted(company.engine) == []
    assert refusals(company.engine) == [
        (place, rule, "time", text, expected) for place, (text, (rule, expected)) in enumerate(wrong.items(), 1)
    ]


def test_a_rule_that_cannot_be_computed_for_a_row_is_not_a_success(tmp_path: Path) -> None:
    """A success rule that raises on one event stops neither that event nor the others."""
    document = CONTRACT | {
        "units": {**CONTRACT["units"], "order": CONTRACT["units"]["order"] | {"success": "cast(plan as integer) = 1"}}
    }
    company = Company(tmp_path, Contract.model_validate(document))
    company.deliver([line(id=plan, data={"order_id": plan, "plan": plan}) for plan in ("1", "2", "pro")])
    successes = company.engine.rows("SELECT id, success_mask FROM events JOIN cells USING (cell_id) ORDER BY id")
    assert successes == [("1", 1), ("2", 0), ("pro", 0)]


def test_the_same_id_with_other_content_is_kept_as_a_conflict(tmp_path: Path) -> None:
    """The first one stands; the other is in quarantine whole, once for every time it came."""
    company = Company(tmp_path)
    first, other = line(), line(data={"order_id": "o1", "total": "2"})
    company.deliver([first, other, first], [other])
    assert revenue(company.engine) == {"a": Decimal(1)}
    assert company.engine.rows("SELECT sum(accepted), sum(duplicate), sum(conflict) FROM batches") == [(1, 1, 2)]
    mend = "must be the event accepted first under this source and id; send a correction under its own id"
    quarantine = company.engine.rows("SELECT kind, rule, place, got, expected, raw FROM quarantine ORDER BY ALL")
    assert quarantine == [("conflict", "conflict", "id", "a", mend, f"{other}\n")] * 2


def test_late_is_what_was_recorded_long_after_it_happened(tmp_path: Path) -> None:
    """By its recorded time where there is one; otherwise by what its source had reached before the file."""
    company = Company(tmp_path)
    company.deliver([
        line(id="on time", time="2026-03-05T00:00:00Z", recordedtime="2026-03-06T00:00:00Z"),
        line(id="recorded late", time="2026-03-05T00:00:00Z", recordedtime="2026-03-06T00:00:01Z"),
        line(id="unknown", time="2026-03-01T00:00:00Z"),
    ])  # fmt: skip
    company.deliver([
        line(id="behind", time="2026-03-03T23:59:59Z"),
        line(id="not behind", time="2026-03-04T00:00:00Z"),
        line(id="recorded at once", time="2026-03-01T00:00:00Z", recordedtime="2026-03-01T00:00:00Z"),
    ])  # fmt: skip
    late = company.engine.rows("SELECT id FROM events WHERE late ORDER BY id")
    assert late == [("behind",), ("recorded late",)]
    assert company.engine.value("SELECT sum(late) FROM rollup") == 2
