"""Spans that wait for their trace: whatever the order of arrival, and wherever a process ends, the same facts."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.facts.said import table_contract
from tests.invariants.company import NOW, Company
from tests.live.arriving import door_rows

from perunit import pipeline
from perunit.contract.privacy import Privacy
from perunit.facts.arrivals import Arrival, Outcome
from perunit.facts.privacy.keys import make_keys
from perunit.facts.quarantine import Selection
from perunit.facts.traces import Waiting, review, traces_of
from perunit.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AT = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - as the store keeps it
MAPPING = {
    "id": None, "time": None, "type": "'call'", "amounts": {}, "units": {"order": "trace['order.id']"},
    "segments": {"plan": "trace['plan']"},
}  # fmt: skip


def span(trace: int, number: int, **fields: Any) -> dict[str, Any]:
    """A span of a trace, a child of span 1; its number orders it in time."""
    usual = {
        "trace_id": f"{trace:032x}", "span_id": f"{number:016x}", "parent_span_id": f"{1:016x}" if number > 1 else None,
        "name": "call", "kind": "server", "status": "ok", "start_time": AT + timedelta(seconds=number),
        "end_time": AT + timedelta(seconds=number + 1), "attributes": {}, "resource": {},
    }  # fmt: skip
    return usual | fields


def root(trace: int, **attributes: str) -> dict[str, Any]:
    """The first span of a trace, with what it says of its unit."""
    return span(trace, 1, attributes={name.replace("_", "."): value for name, value in attributes.items()})


class Door:
    """A company's door for spans, with a clock of its own; ids of the units in `secret` are hidden."""

    def __init__(self, folder: Path, *, secret: tuple[str, ...] = (), **source: Any) -> None:
        given_mapping = {**MAPPING, **source.pop("event", {})}
        contract = table_contract("otlp_spans", {"match": "kind = 'server'", **source}, **given_mapping)
        if secret:
            make_keys(folder / "privacy.keys")
            contract = contract.model_copy(update={"privacy": Privacy(pseudonymize=secret)})
        self.now = NOW
        self.company = Company(folder, contract)
        pipeline.start(self.company.project(), self.company.engine, lambda: self.now)
        self.open()

    def open(self) -> None:
        """Begins anew on the same store, as a process does."""
        self.feed = Feed(self.company.project(), self.company.engine, lambda: self.now)

    def send(self, *requests: Sequence[dict[str, Any]]) -> list[Outcome]:
        """Requests that are committed together."""
        arrivals = [Arrival("shop", door_rows("otlp_spans", rows), "otlp") for rows in requests]
        return self.feed.take_in(arrivals)

    def facts(self) -> list[tuple[Any, ...]]:
        """(span, order, plan) of the accepted events."""
        sql = "SELECT e.id[-1:], unit_order, segment_plan FROM events e JOIN cells USING (cell_id) ORDER BY e.id"
        return self.company.engine.rows(sql)

    def waiting(self) -> int:
        """How many spans wait."""
        return int(self.company.engine.value("SELECT count(*) FROM waiting_spans"))


def test_a_child_waits_for_its_root(tmp_path: Path) -> None:
    """It is acknowledged and no event; with the root it becomes one, of the root's unit."""
    door = Door(tmp_path)
    (first,) = door.send([span(1, 2), span(1, 3)])
    assert (first.received, first.ignored, first.waiting) == (0, 0, 2)
    assert (door.facts(), door.waiting()) == ([], 2)
    (second,) = door.send([root(1, order_id="o1", plan="pro")])
    assert (second.received, second.accepted, second.waiting) == (1, 1, 0)
    assert door.facts() == [("1", "o1", "pro"), ("2", "o1", "pro"), ("3", "o1", "pro")]
    assert door.waiting() == 0
    (third,) = door.send([span(1, 4)])
    assert (third.accepted, third.waiting) == (1, 0)


def test_every_named_attribute_is_waited_for(tmp_path: Path) -> None:
    """One that is known is not enough, so what a span is given does not hang on the order of others."""
    door = Door(tmp_path)
    door.send([span(1, 2)], [root(1, order_id="o1")])
    assert door.waiting() == 2
    door.send([span(1, 3, attributes={"plan": "pro"})])
    assert {fact[1:] for fact in door.facts()} == {("o1", "pro")}


def test_a_span_of_another_service_brings_what_is_needed(tmp_path: Path) -> None:
    """A root that the source's match leaves out is ignored, and known by what it says."""
    door = Door(tmp_path)
    door.send([span(1, 2)])
    (found,) = door.send([root(1, order_id="o1", plan="pro") | {"kind": "client"}])
    assert (found.received, found.ignored) == (0, 1)
    assert door.facts() == [("2", "o1", "pro")]


def test_the_root_says_more_than_others(tmp_path: Path) -> None:
    """Where several spans of a trace say it, the root's value counts, whatever came first."""
    said = [span(1, 3, attributes={"order.id": "late"}), span(1, 2, attributes={"order.id": "early"})]
    for number, rows in enumerate(
        ([*said, root(1, order_id="o1", plan="p")], [root(1, order_id="o1", plan="p"), *said])
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        door = Door(folder)
        door.send(rows)
        assert {fact[1] for fact in door.facts()} == {"o1"}


def test_a_span_without_its_root_enters_when_its_time_is_up(tmp_path: Path) -> None:
    """As an orphan, with what is known of its trace; a later root still counts for itself."""
    door = Door(tmp_path, wait_seconds=30)
    door.send([span(1, 2), span(2, 2), span(2, 3, attributes={"plan": "pro"})])
    traces = traces_of("shop", door.company.contract.sources["shop"])
    assert traces is not None
    door.now += timedelta(seconds=29)
    assert review(door.company.engine, [traces], door.now) == {"shop": Waiting(3, 0)}
    door.now += timedelta(seconds=1)
    assert review(door.company.engine, [traces], door.now) == {"shop": Waiting(3, 3)}
    (released,) = door.send([])
    assert (released.received, released.waiting) == (0, 0)
    assert door.facts() == [("2", None, None), ("2", None, "pro"), ("3", None, "pro")]
    assert door.company.engine.rows("SELECT received, accepted, orphan FROM batches WHERE received > 0") == [(3, 3, 3)]
    assert review(door.company.engine, [traces], door.now) == {"shop": Waiting(0, 0)}


def test_what_a_trace_has_said_is_forgotten_in_time(tmp_path: Path) -> None:
    """Ten times as long as a span waits; a span that comes later still waits and enters as an orphan."""
    door = Door(tmp_path, wait_seconds=10)
    door.send([root(1, order_id="o1", plan="pro")])
    traces = traces_of("shop", door.company.contract.sources["shop"])
    assert traces is not None
    door.now += timedelta(seconds=101)
    review(door.company.engine, [traces], door.now)
    assert door.company.engine.value("SELECT count(*) FROM trace_values") == 0


def test_a_span_sent_again_while_it_waits_counts_once(tmp_path: Path) -> None:
    """Both deliveries wait; the second is a duplicate when they are let through."""
    door = Door(tmp_path)
    door.send([span(1, 2)])
    door.send([span(1, 2)])
    (found,) = door.send([root(1, order_id="o1", plan="pro")])
    assert (found.received, found.accepted, found.duplicate) == (1, 1, 0)
    assert [fact[0] for fact in door.facts()] == ["1", "2"]
    assert door.company.engine.rows("SELECT sum(received), sum(accepted), sum(duplicate) FROM batches") == [(3, 2, 1)]


def test_requests_committed_together_hear_of_their_own_spans(tmp_path: Path) -> None:
    """One request's spans wait, another's are accepted; those let through are no one's."""
    door = Door(tmp_path)
    door.send([span(1, 2)])
    found = door.send([span(2, 2), span(2, 3)], [root(1, order_id="o1", plan="p"), span(3, 2, kind="client")], [])
    told = [(each.received, each.accepted, each.ignored, each.waiting) for each in found]
    assert told == [(0, 0, 0, 2), (1, 1, 1, 0), (0, 0, 0, 0)]


def test_what_waited_is_kept_to_the_last_digit(tmp_path: Path) -> None:
    """Times, maps and numbers leave the waiting room as they entered it."""
    usage = {"usage": {"cpu_seconds": "attributes['n']"}, "resource": "resource['host.name']"}
    door = Door(tmp_path, event=usage)
    precise = AT + timedelta(microseconds=123457)
    waits = {"attributes": {"n": "0.123456789"}, "resource": {"host.name": "h'1"}, "end_time": precise}
    door.send([span(1, 2, **waits)])
    door.send([root(1, order_id="o1", plan="pro")])
    sql = "SELECT event_time, usage_cpu_seconds::VARCHAR, resource FROM events WHERE usage_cpu_seconds IS NOT NULL"
    assert door.company.engine.rows(sql) == [(precise, "0.123456789", "h'1")]


def test_a_span_without_a_trace_does_not_wait(tmp_path: Path) -> None:
    """It is refused at once, whole."""
    door = Door(tmp_path)
    (found,) = door.send([span(1, 2) | {"trace_id": None}, span(1, 3, trace_id="ab")])
    assert (found.rejected, found.waiting) == (1, 1)
    assert [problem.place for problem in found.problems] == ["id"]


SPANS = [
    root(1, order_id="o1", plan="pro"), span(1, 2), span(1, 3, kind="client"), span(1, 4, attributes={"plan": "pro"}),
    root(2, order_id="o2") | {"kind": "client"}, span(2, 2, attributes={"plan": "free"}), span(2, 3),
]  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_arrival_gives_the_same_facts(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """However spans are ordered, cut into requests, sent again, and whenever a process begins anew."""
    order = data.draw(st.permutations([*SPANS, *data.draw(st.lists(st.sampled_from(SPANS), max_size=3))]))
    door = Door(tmp_path_factory.mktemp("traces"))
    rest = list(order)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        door.send(rest[:size])
        rest = rest[size:]
        if data.draw(st.booleans()):
            door.open()
    assert door.waiting() == 0
    assert door.facts() == [
        ("1", "o1", "pro"), ("2", "o1", "pro"), ("4", "o1", "pro"), ("2", "o2", "free"), ("3", "o2", "free"),
    ]  # fmt: skip
    counts = door.company.engine.rows("SELECT sum(received) - sum(accepted) - sum(duplicate) FROM batches")
    assert counts == [(0,)]


@pytest.mark.parametrize("place", range(4))
def test_a_failure_within_the_commit_changes_nothing(
    tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever step of it fails, nothing new waits or is known or let through; sent again, it is as if it never did."""
    door = Door(tmp_path)
    door.send([span(1, 2)])
    engine, calls = door.company.engine, itertools.count()
    execute = type(engine).execute

    def failing(self: Any, sql: str, values: Any = None) -> None:
        touched = ("waiting_spans", "trace_values")
        if sql.startswith(("DELETE", "INSERT")) and any(name in sql for name in touched) and next(calls) == place:
            raise RuntimeError("killed")
        execute(self, sql, values)

    before = engine.rows("SELECT * EXCLUDE (received_at) FROM waiting_spans")
    with monkeypatch.context() as patched:
        patched.setattr(type(engine), "execute", failing)
        with pytest.raises(RuntimeError):
            door.send([root(1, order_id="o1", plan="pro"), span(2, 2)])
    assert engine.rows("SELECT * EXCLUDE (received_at) FROM waiting_spans") == before
    assert (door.facts(), engine.value("SELECT count(*) FROM trace_values")) == ([], 0)
    door.open()
    door.send([root(1, order_id="o1", plan="pro"), span(2, 2)])
    assert (door.facts(), door.waiting()) == ([("1", "o1", "pro"), ("2", "o1", "pro")], 1)


def test_a_refused_span_keeps_what_its_trace_said(tmp_path: Path) -> None:
    """Replayed under a mapping that takes it, it is of the same unit, with its resource and every digit."""
    door = Door(tmp_path, event={"outcome": "attributes['result']", "resource": "resource['host.name']"})
    refused = span(1, 2, attributes={"result": "fine"}, resource={"host.name": "h'1"}, duration_ms=Decimal("0.000001"))
    door.send([refused])
    (found,) = door.send([root(1, order_id="o1", plan="pro")])
    assert (found.rejected, door.company.engine.value("SELECT rejected FROM batches WHERE rejected > 0")) == (0, 1)
    mapping = {**MAPPING, "outcome": "'success'", "resource": "resource['host.name']"}
    door.company.grow(table_contract("otlp_spans", {"match": "kind = 'server'"}, **mapping))
    (report,) = pipeline.replay(door.company.project(), door.company.engine, Selection(), clock=lambda: NOW)
    assert report.accepted == 1
    assert door.facts() == [("1", "o1", "pro"), ("2", "o1", "pro")]
    sql = "SELECT resource, latency_ms FROM events WHERE latency_ms IS NOT NULL"
    assert door.company.engine.rows(sql) == [("h'1", Decimal("0.000001"))]
