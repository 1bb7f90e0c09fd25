"""Freshness, rates and drift: what the report says of known deliveries."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.facts.said import event, line
from tests.invariants.company import NOW, Company

from perunit import pipeline
from perunit.measures.drift import drift
from perunit.measures.quality import Limit, breaches, broken_rules, delivered
from perunit.model.window import Window

if TYPE_CHECKING:
    from pathlib import Path

ALL = Window(None, None)


class Days:
    """A company to which files come on different days."""

    def __init__(self, folder: Path) -> None:
        self.company, self.now, self.files = Company(folder), NOW, 0

    def come(self, *lines: str, days: int = 0) -> None:
        """Lines that come `days` after NOW."""
        self.now, self.files = NOW + timedelta(days=days), self.files + 1
        path = self.company.folder / f"{self.files}.ndjson"
        path.write_text("\n".join(lines))
        project, engine = self.company.project(), self.company.engine
        pipeline.ingest(project, engine, [("cloudevents", path)], clock=lambda: self.now)

    def ask(self, by: str = "source", window: Window = ALL) -> list[Any]:
        """What the report says now."""
        project = self.company.project()
        return delivered(self.company.engine, project.contract, window, by, self.now)  # type: ignore[arg-type]


@pytest.fixture
def days(tmp_path: Path) -> Days:
    """A company to which nothing has come."""
    return Days(tmp_path)


def test_a_source_is_told_with_its_counts_rates_and_age(days: Days) -> None:
    """Freshness is from the newest event, whichever came last."""
    days.come(
        line(), line(), "no json", line(id="b", time="2026-03-30T00:00:00Z", data={"order_id": "o", "user_id": "u"})
    )
    days.come(line(id="c", time="2026-03-02T00:00:00Z"), days=1)
    (row,) = days.ask()
    assert (row.received, row.accepted, row.duplicate, row.rejected, row.orphan) == (5, 3, 1, 1, 2)
    assert row.watermark == datetime(2026, 3, 30)  # noqa: DTZ001 - as the store keeps it
    assert row.freshness_seconds == (NOW + timedelta(days=1) - datetime(2026, 3, 30, tzinfo=UTC)).total_seconds()
    assert row.rates == {
        "rejected_rate": Decimal("0.2"),
        "conflict_rate": Decimal(0),
        "duplicate_rate": Decimal("0.2"),
        "orphan_rate": row.rates["orphan_rate"],
        "late_rate": row.rates["late_rate"],
    }
    assert row.rates["orphan_rate"] * 3 == pytest.approx(Decimal(2))
    assert (row.restated, row.unpriced, row.waiting) == (0, 0, 0)


def test_the_window_is_when_rows_came_and_half_open(days: Days) -> None:
    """What came in it is counted; the newest event is that of all time."""
    days.come(line(id="a"))
    days.come(line(id="b"), "no json", days=1)
    first = Window(NOW - timedelta(hours=1), NOW + timedelta(days=1))
    (row,) = days.ask(window=first)
    assert (row.received, row.rejected) == (1, 0)
    (row,) = days.ask(window=Window(NOW + timedelta(days=1), None))
    assert (row.received, row.rejected) == (2, 1)
    assert [(each.day, each.received) for each in days.ask("day")] == [("2026-03-31", 1), ("2026-04-01", 2)]


def test_producers_are_told_apart(days: Days) -> None:
    """Each with its own age."""
    days.come(line(source="app"), line(source="web", time="2026-03-30T00:00:00Z"), line(id="x", source="web", time="?"))
    found = {row.producer: (row.received, row.rejected, row.watermark.day) for row in days.ask("producer")}
    assert found == {"app": (1, 0, 1), "web": (2, 1, 30)}


def test_facts_of_a_locked_period_are_restated(days: Days) -> None:
    """Those that came after the lock; those before it are not."""
    days.come(line(id="before"))
    days.company.engine.execute(
        "INSERT INTO locks VALUES (1, '2026-03-01', '2026-04-01', NULL, 'ann', 'closed', $at)",
        {"at": NOW.replace(tzinfo=None) + timedelta(hours=1)},
    )
    days.come(line(id="after"), line(id="april", time="2026-04-01T00:00:00Z"), days=2)
    (row,) = days.ask()
    assert (row.accepted, row.restated) == (3, 1)


def test_usage_without_a_rate_is_told(days: Days) -> None:
    """By the time of the events."""
    data = {"order_id": "o1", "cpu_seconds": "2"}
    days.come(line(type="api.called", data=data))
    assert days.ask()[0].unpriced == 1


def test_limits_are_broken_by_more_and_not_by_as_much(days: Days) -> None:
    """A figure that is not known breaks none."""
    days.come(line(), "no json")
    (row,) = days.ask()
    assert breaches([row], [Limit("rejected_rate", Decimal("0.5"))]) == []
    assert breaches([row], [Limit("rejected_rate", Decimal("0.49"))])[0][2] == Decimal("0.5")
    age = Decimal(row.freshness_seconds)
    assert breaches([row], [Limit("freshness_seconds", age)]) == []
    assert breaches([row], [Limit("freshness_seconds", age - 1)])
    nothing = Days.ask(days, window=Window(NOW + timedelta(days=5), None))
    assert breaches(nothing, [Limit("rejected_rate", Decimal(0))]) == []


def test_broken_rules_are_told_most_first(days: Days) -> None:
    """With what must hold."""
    days.come("no json", "[]", line(time="x"))
    found = [(row["rule"], row["rows"]) for row in broken_rules(days.company.engine, ALL, 20)]
    assert found[0] == ("json", 2)
    assert len(found) == 2


def sold(number: int, **data: Any) -> str:
    """An order as the shop sends it."""
    return json.dumps(event(id=str(number), data={"order_id": "o1", "total": "1", "plan": "pro"} | data))


def changes(days: Days, since: datetime) -> dict[tuple[str, str], tuple[Any, ...]]:
    """(field, change) → kinds before and after."""
    found = drift(days.company.engine, days.company.project(), since)
    return {(each.field, each.change): (each.before, each.after) for each in found if each.change != "missing"}


def test_fields_that_are_new_gone_or_changed_are_told(days: Days) -> None:
    """Compared with what came before the date; what came before and after alike is not."""
    days.come(sold(1, note="x", count="1"))
    days.come(sold(2, count=1, extra={"a": 1}), days=2)
    assert changes(days, NOW + timedelta(days=1)) == {
        ("data.note", "vanished"): (("string",), ()),
        ("data.count", "changed"): (("string",), ("number",)),
        ("data.extra", "new"): ((), ("object",)),
        ("data.extra.a", "new"): ((), ("number",)),
        ("data.note", "unknown"): (("string",), ()),
        ("data.count", "unknown"): (("string",), ("number",)),
        ("data.extra", "unknown"): ((), ("object",)),
        ("data.extra.a", "unknown"): ((), ("number",)),
    }


def test_a_null_is_no_change_and_a_new_type_no_drift(days: Days) -> None:
    """A producer that was not seen before is not new in every field, nor one that is silent vanished in every field."""
    days.come(sold(1))
    visit = {"data": {"user_id": "u1"}, "type": "user.visited", "source": "app"}
    days.come(sold(2, plan=None), line(id="3", **visit), days=2)
    assert changes(days, NOW + timedelta(days=1)) == {}
    days.come(line(id="4", **visit), days=9)
    assert changes(days, NOW + timedelta(days=8)) == {}


def test_what_the_contract_reads_and_nobody_sends_is_missing(days: Days) -> None:
    """By type and producer, with how many samples were looked at."""
    days.come(sold(1), sold(2))
    found = drift(days.company.engine, days.company.project(), NOW)
    missing = [(each.field, each.rows) for each in found if each.change == "missing"]
    assert missing == [("data.currency", 2), ("data.discount", 2), ("data.fee", 2)]
