"""Events leave in batches, are tried again until the server has them, and are stored once."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from tests.client import server as h
from tests.client.server import QUICK, until

from perunit.client import Events, Limits, Problem
from perunit.client.limits import EVENT_BYTES_MAX
from perunit.client.transport import Accepted, Refused, Retry, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def events(server: Any) -> Iterator[Events]:
    """A client of the server."""
    with Events(server.url, "/shop", limits=QUICK) as made:
        yield made


def test_an_event_is_a_cloudevent(server: Any, events: Events) -> None:
    """Money goes as decimal text, times in UTC with Z, everything else as JSON has it."""

    class Plan(Enum):
        PRO = "pro"

    at = datetime(2026, 9, 1, 14, 0, 0, 250, tzinfo=timezone(timedelta(hours=2)))
    data = {
        "order_id": UUID(int=7), "total": Decimal("12.30"), "tiny": Decimal("1E-9"), "plan": Plan.PRO, "n": 3,
        "paid_at": at, "day": at.date(), "name": "Zoë \U0001f600", "none": None, "parts": [{"a": 1.5}],
    }  # fmt: skip
    id_ = events.emit("order.completed", data, time=at, attributes={"traceparent": "00-1-2-01"})
    assert events.flush(30)
    (sent,) = server.stored.values()
    assert abs(datetime.fromisoformat(sent.pop("recordedtime")) - datetime.now(UTC)) < timedelta(minutes=1)
    assert sent == {
        "specversion": "1.0", "id": id_, "source": "/shop", "type": "order.completed",
        "time": "2026-09-01T12:00:00.000250Z", "traceparent": "00-1-2-01",
        "data": {
            "order_id": str(UUID(int=7)), "total": "12.30", "tiny": "0.000000001", "plan": "pro", "n": 3,
            "paid_at": "2026-09-01T12:00:00.000250Z", "day": "2026-09-01", "name": "Zoë \U0001f600", "none": None,
            "parts": [{"a": 1.5}],
        },
    }  # fmt: skip
    path, headers, _ = server.requests[0]
    assert (path, headers["content-type"]) == ("/v1/events", "application/cloudevents-batch+json")


def test_the_real_sdk_reads_it(server: Any, events: Events) -> None:
    """The CloudEvents SDK takes what was sent for a CloudEvent."""
    from cloudevents.core.bindings.http import HTTPMessage, from_http_event

    id_ = events.emit("order.completed", {"order_id": "o-1"})
    events.flush(30)
    body = json.dumps(next(iter(server.stored.values()))).encode()
    event = from_http_event(HTTPMessage({"content-type": "application/cloudevents+json"}, body))
    assert (event.get_id(), event.get_source(), event.get_type()) == (id_, "/shop", "order.completed")
    assert event.get_time() is not None


def test_events_leave_in_order_and_in_batches(server: Any) -> None:
    """As many as `batch_events` go in one request, in the order they were emitted; larger bodies are compressed."""
    limits = Limits(linger_seconds=60, batch_events=100)
    with Events(server.url, "/shop", limits=limits) as events:
        ids = [events.emit("a", {"n": number, "text": "x" * 50}) for number in range(1050)]
    assert server.ids() == ids
    assert [count for _, _, count in server.requests] == [100] * 10 + [50]
    assert {headers.get("content-encoding") for _, headers, _ in server.requests} == {"zstd"}
    assert events.counters().accepted == 1050


def test_a_batch_is_bounded_by_its_bytes(server: Any) -> None:
    """No request is larger than `batch_bytes`, but for a single event that is."""
    limits = Limits(linger_seconds=60, batch_bytes=10_000)
    with Events(server.url, "/shop", limits=limits) as events:
        for size in (4000, 4000, 4000, 30_000, 10, 10):
            events.emit("a", {"text": "x" * size})
    assert [count for _, _, count in server.requests] == [2, 1, 1, 2]


def test_a_single_event_does_not_wait_for_others(server: Any, events: Events) -> None:
    """After `linger_seconds` an event leaves without a flush."""
    events.emit("a", {})
    assert until(lambda: len(server.stored) == 1)


FAILURES = [h.hang_up, *map(h.status, (503, 500, 429, 408, 404, 401))]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_tried_again(server: Any, events: Events, failure: Any) -> None:
    """Whatever says nothing of the events themselves: the same events with the same ids go again."""
    server.script.extend([failure, failure])
    ids = [events.emit("a", {"n": number}) for number in range(3)]
    assert events.flush(30)
    assert server.ids() == ids
    found = events.counters()
    assert (found.accepted, found.duplicate, found.retries, found.waiting) == (3, 0, 2, 0)


def test_a_server_that_is_not_there_yet_is_waited_for(server: Any) -> None:
    """Events wait in memory while nobody listens, and leave when the server comes."""
    port = server.server_address[1]
    server.shutdown()
    server.server_close()
    with Events(server.url, "/shop", limits=QUICK) as events:
        ids = [events.emit("a", {"n": number}) for number in range(10)]
        assert not events.flush(0.1)
        again = h.Server(("127.0.0.1", port))
        threading.Thread(target=again.serve_forever, daemon=True).start()
        assert events.flush(30)
        assert again.ids() == ids
        again.shutdown()
        again.server_close()


def test_a_lost_answer_counts_nothing_twice(server: Any, events: Events) -> None:
    """The server stored a batch and its answer was lost: the retry is a duplicate, and each event is there once."""
    for _ in range(5):
        server.script.append(h.store_and_hang_up)
        events.emit("a", {})
        assert events.flush(30)
    found = events.counters()
    assert len(server.stored) == 5
    assert (found.accepted, found.duplicate, found.emitted) == (0, 5, 5)


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_honoured(server: Any, code: int) -> None:
    """The server's wish for a pause is kept, even where a flush is in a hurry."""
    server.script.append(h.status(code, retry_after="1"))
    with Events(server.url, "/shop", limits=QUICK) as events:
        started = time.monotonic()
        events.emit("a", {})
        assert until(lambda: events.counters().retries == 1)
        while not events.flush(0.05):
            pass
        assert time.monotonic() - started >= 1
    assert len(server.requests) == 2


def test_a_rejected_event_is_told_and_not_sent_again(server: Any) -> None:
    """The server keeps it in quarantine: its reason reaches the application, the others are accepted."""
    told: list[Problem] = []
    with Events(server.url, "/shop", limits=QUICK, on_problem=told.append) as events:
        events.emit("a", {"n": 1})
        bad = events.emit("order.completed", {"broken": True})
        events.emit("a", {"n": 2})
        assert events.flush(30)
        events.flush(30)
    expected = "must be false; mend it"
    assert told == [Problem("rejected", bad, "order.completed", "number", "data.broken", "yes", expected)]
    assert str(told[0]) == f"rejected order.completed {bad}: data.broken: got 'yes', must be false; mend it [number]"
    assert (events.counters().accepted, events.counters().rejected) == (2, 1)
    assert sum(count for _, _, count in server.requests) == 3


def test_the_same_id_with_other_data_is_told_as_a_conflict(server: Any) -> None:
    """Ids that the application gives itself are its own affair, and their clash is not silent."""
    told: list[Problem] = []
    with Events(server.url, "/shop", limits=QUICK, on_problem=told.append) as events:
        events.emit("a", {"n": 1}, id="x")
        events.emit("a", {"n": 2}, id="x")
    assert [(problem.kind, problem.event_id) for problem in told] == [("conflict", "x")]
    assert events.counters().conflict == 1


def test_a_poisonous_event_is_found_and_the_others_pass(server: Any) -> None:
    """Where the server refuses a body as a whole, it is halved until the culprit is alone."""

    def picky(handler: Any, sent: list[dict[str, Any]]) -> None:
        if any(event["data"].get("n") == 13 for event in sent):
            handler.answer(400, {"title": "Bad Request", "detail": "position 3: no"})
        else:
            h.store(handler, sent)

    server.otherwise = picky
    told: list[Problem] = []
    with Events(server.url, "/shop", limits=Limits(linger_seconds=60), on_problem=told.append) as events:
        ids = [events.emit("a", {"n": number}) for number in range(40)]
        assert events.flush(30)
    assert [problem.event_id for problem in told] == [ids[13]]
    assert (told[0].kind, told[0].rule, told[0].expected) == ("refused", "HTTP 400", "position 3: no")
    assert sorted(server.ids()) == sorted(ids[:13] + ids[14:])
    assert (events.counters().accepted, events.counters().refused) == (39, 1)


def test_a_coding_the_server_does_not_take_is_left_off(server: Any) -> None:
    """415: zstd, then gzip, then plain."""

    def plain(handler: Any, sent: list[dict[str, Any]]) -> None:
        if handler.headers.get("content-encoding"):
            handler.answer(415)
        else:
            h.store(handler, sent)

    server.otherwise = plain
    with Events(server.url, "/shop", limits=QUICK) as events:
        for _ in range(2):
            events.emit("a", {"text": "x" * 5000})
            assert events.flush(30)
    codings = [headers.get("content-encoding") for _, headers, _ in server.requests]
    assert codings == ["zstd", "gzip", None, None]


def test_a_token_goes_with_each_request(server: Any) -> None:
    """As a bearer token."""
    with Events(server.url, "/shop", token="s3cret", limits=QUICK) as events:
        events.emit("a", {})
    assert server.requests[0][1]["authorization"] == "Bearer s3cret"


def test_an_id_follows_from_a_key(server: Any, events: Events) -> None:
    """The same source, type and key give the same id, so a job that runs again sends the same events."""
    at = datetime(2026, 9, 1, tzinfo=UTC)
    first = events.emit("a", {}, key="o-1", time=at)
    again = events.emit("a", {}, key="o-1", time=at)
    others = {events.emit("a", {}, key="o-2"), events.emit("b", {}, key="o-1"), events.emit("a", {})}
    assert first == again
    assert len({first, *others}) == 4


@pytest.mark.parametrize(
    ("type_", "data", "options", "place"),
    [
        ("", {}, {}, "type"),
        (7, {}, {}, "type"),
        ("a", {}, {"id": " "}, "id"),
        ("a", {}, {"time": datetime(2026, 9, 1)}, "time"),  # noqa: DTZ001
        ("a", {}, {"time": "2026-09-01"}, "time"),
        ("a", {"x": object()}, {}, "data"),
        ("a", {"x": float("nan")}, {}, "data"),
        ("a", {"x": Decimal("Infinity")}, {}, "data"),
        ("a", {"x": datetime(2026, 9, 1)}, {}, "data"),  # noqa: DTZ001
        ("a", {"x": "\ud800"}, {}, "data"),
        ("a", {"x": "y" * EVENT_BYTES_MAX}, {}, "event"),
    ],
)
def test_what_can_be_no_event_is_told_and_does_not_raise(
    server: Any, type_: Any, data: Any, options: Any, place: str
) -> None:
    """The application goes on; the problem names the place and what must hold."""
    told: list[Problem] = []
    with Events(server.url, "/shop", limits=QUICK, on_problem=told.append) as events:
        assert events.emit(type_, data, **options) is None
    (problem,) = told
    assert (problem.kind, problem.place) == ("invalid", place)
    assert "must" in problem.expected
    assert events.counters().invalid == 1
    assert server.requests == []


def test_data_that_refers_to_itself_is_told(server: Any) -> None:
    """Endless data is invalid, not an endless loop."""
    data: dict[str, Any] = {}
    data["self"] = data
    told: list[Problem] = []
    with Events(server.url, "/shop", limits=QUICK, on_problem=told.append) as events:
        assert events.emit("a", data) is None
    assert told[0].place == "data"


@pytest.mark.parametrize("url", ["", "localhost:8321", "ftp://x", "http://"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuration is checked when the service starts, with the mend in the message."""
    monkeypatch.delenv("PERUNIT_URL", raising=False)
    with pytest.raises(ValueError, match="must be a server such as http://localhost:8321; pass it or set PERUNIT_URL"):
        Events(url, "/shop")


def test_a_source_must_be_named() -> None:
    """An event is unique by it."""
    with pytest.raises(ValueError, match="must name the service"):
        Events("http://localhost:1")


@pytest.mark.parametrize("wrong", [{"batch_events": 0}, {"memory_bytes": 5}, {"when_full": "explode"}, {"fsync": "no"}])
def test_limits_under_which_nothing_passes_are_refused(wrong: dict[str, Any]) -> None:
    """Naming the limit, its value and the bound."""
    with pytest.raises(ValueError, match=f"limits: {next(iter(wrong))} == "):
        Limits(**wrong)


def test_the_address_may_come_from_the_environment(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """PERUNIT_URL, as `perunit contract test` sets it."""
    monkeypatch.setenv("PERUNIT_URL", server.url + "/")
    with Events(source="/shop", limits=QUICK) as events:
        events.emit("a", {})
    assert server.requests[0][0] == "/v1/events"


def test_without_room_the_oldest_are_dropped_and_counted(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Memory stays bounded while the server is away; what is left is the newest, and nothing is lost silently."""
    gate = threading.Event()

    def wait(handler: Any, sent: list[dict[str, Any]]) -> None:
        gate.wait(10)
        h.store(handler, sent)

    server.otherwise = wait
    limits = Limits(linger_seconds=0, batch_events=1, memory_bytes=EVENT_BYTES_MAX, request_seconds=20)
    with caplog.at_level(logging.WARNING), Events(server.url, "/shop", limits=limits) as events:
        first = events.emit("a", {"n": 0})
        assert until(lambda: len(server.requests) == 1)
        ids = [events.emit("a", {"text": "x" * 10_000}) for _ in range(100)]
        found = events.counters()
        assert found.waiting * 10_000 < EVENT_BYTES_MAX
        assert found.emitted == 101 == found.waiting + found.dropped
        gate.set()
        assert events.flush(30)
        assert server.ids() == [first, *ids[-(found.waiting - 1) :]]
        assert events.counters().accepted == found.waiting
    assert caplog.text.count("dropped") == 1


def test_a_client_that_may_block_waits_for_room(server: Any) -> None:
    """With ``block`` a fast producer is slowed down to the server's pace, and every event arrives."""
    limits = Limits(memory_bytes=EVENT_BYTES_MAX, when_full="block", linger_seconds=0)
    with Events(server.url, "/shop", limits=limits) as events:
        ids = [events.emit("a", {"text": "x" * 20_000}) for _ in range(100)]
    assert server.ids() == ids
    assert events.counters().dropped == 0


def test_blocking_has_an_end(server: Any) -> None:
    """After `block_seconds` the new event is given up, told and counted; what waits stays."""
    server.otherwise = h.status(503)
    told: list[Problem] = []
    limits = Limits(memory_bytes=EVENT_BYTES_MAX, when_full="block", block_seconds=0.02, linger_seconds=0)
    events = Events(server.url, "/shop", limits=limits, on_problem=told.append)
    kept = [events.emit("a", {"text": "x" * 100_000}) for _ in range(4)]
    assert [id_ is not None for id_ in kept] == [True, True, False, False]
    assert [(problem.kind, problem.rule) for problem in told] == [("dropped", "full")] * 2
    assert (events.counters().dropped, events.counters().waiting) == (2, 2)
    server.otherwise = h.store
    events.close()


def test_after_close_events_are_told_as_dropped(server: Any) -> None:
    """A service that emits while it ends hears of it."""
    told: list[Problem] = []
    events = Events(server.url, "/shop", limits=QUICK, on_problem=told.append)
    assert events.close()
    assert events.close()
    assert events.emit("a", {}) is None
    assert [(problem.kind, problem.rule) for problem in told] == [("dropped", "closed")]


def test_problems_are_logged_once_without_a_listener(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A producer that breaks a rule with every event does not fill its log."""
    with caplog.at_level(logging.WARNING), Events(server.url, "/shop", limits=QUICK) as events:
        for _ in range(50):
            events.emit("a", {"broken": True})
        assert events.flush(30)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "data.broken: got 'yes', must be false; mend it" in caplog.text


def test_a_listener_that_raises_stops_nothing(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The sending thread lives on."""

    def broken(problem: Problem) -> None:
        raise RuntimeError(problem)

    with Events(server.url, "/shop", limits=QUICK, on_problem=broken) as events:
        events.emit("a", {"broken": True})
        assert events.flush(30)
        events.emit("a", {})
        assert events.flush(30)
    assert len(server.stored) == 1
    assert "on_problem raised" in caplog.text


def test_many_threads_emit_at_once(server: Any) -> None:
    """No event is lost or sent twice."""
    with Events(server.url, "/shop", limits=QUICK) as events:
        threads = [
            threading.Thread(target=lambda: [events.emit("a", {"n": number}) for number in range(300)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.stored) == 2400
    assert sum(count for _, _, count in server.requests) == 2400


def test_an_attempt_says_how_it_ended_and_how_long_it_took(server: Any, events: Events) -> None:
    """A block emits success with its latency, or failure with the exception's class, which goes on its way."""
    with events.track("payment.attempted", {"order_id": "o-1"}) as data:
        data["method"] = "card"
    with pytest.raises(KeyError), events.track("payment.attempted", {"order_id": "o-2"}):
        raise KeyError("no")
    events.flush(30)
    good, bad = (event["data"] for event in server.stored.values())
    assert good.pop("latency_ms") >= 0
    assert bad.pop("latency_ms") >= 0
    assert good == {"order_id": "o-1", "method": "card", "outcome": "success"}
    assert bad == {"order_id": "o-2", "outcome": "failure", "error": "KeyError"}


def test_a_function_can_be_an_attempt(server: Any, events: Events) -> None:
    """Each call is one, plain or async, its data told from its arguments."""
    import asyncio

    @events.track("order.placed", lambda order: {"order_id": order})
    def place(order: str) -> str:
        return order.upper()

    @events.track("order.shipped", {"by": "ship"})
    async def ship(order: str) -> str:
        await asyncio.sleep(0)
        return order

    assert (place("o-1"), place(order="o-2"), asyncio.run(ship("o-3"))) == ("O-1", "O-2", "o-3")
    events.flush(30)
    assert [event["data"].get("order_id") for event in server.stored.values()] == ["o-1", "o-2", None]
    assert {event["data"]["outcome"] for event in server.stored.values()} == {"success"}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("spooled", [False, True])
def test_a_forked_child_sends_its_own_events_only(server: Any, spooled: bool, tmp_path: Path) -> None:
    """The parent's waiting events are sent by the parent alone, also where both share a spool directory."""
    limits = Limits(linger_seconds=60)
    events = Events(server.url, "/shop", spool=tmp_path if spooled else None, limits=limits)
    parent = {events.emit("parent", {"n": number}) for number in range(50)}
    child = os.fork()
    if child == 0:
        done = False
        try:
            for number in range(50):
                events.emit("child", {"n": number})
            done = events.flush(30) and events.counters().accepted == 50
        finally:
            os._exit(0 if done else 1)
    _, code = os.waitpid(child, 0)
    assert code == 0
    assert {event["type"] for event in server.stored.values()} == {"child"}
    assert events.close()
    types = [event["type"] for event in server.stored.values()]
    assert (types.count("parent"), types.count("child")) == (50, 50)
    assert sum(count for _, _, count in server.requests) == 100
    assert parent == {id_ for (_, id_), event in server.stored.items() if event["type"] == "parent"}


def test_what_waits_is_sent_when_python_ends(server: Any) -> None:
    """A script that just ends loses nothing."""
    code = f"from perunit.client import Events, Limits; e = Events({server.url!r}, 's', limits=Limits(linger_seconds=60)); [e.emit('a', {{}}) for _ in range(10)]"  # noqa: E501
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
    assert len(server.stored) == 10


def test_a_client_that_nobody_holds_can_go(server: Any) -> None:
    """Closed and let go, it is not kept by the module."""
    events = Events(server.url, "/shop", limits=QUICK)
    events.emit("a", {})
    events.close()
    seen = weakref.ref(events)
    del events
    gc.collect()
    assert seen() is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [(204, Accepted), (202, Accepted), (302, Retry), (400, Refused), (413, Refused), (422, Refused), (403, Retry)],
)
def test_a_status_has_one_meaning(status: int, expected: type) -> None:
    """Only what speaks of the events themselves ends their way; a receiver that counts nothing has taken all."""
    found = verdict(status, {}, b"", [b"{}", b"{}"])
    assert isinstance(found, expected)
    if isinstance(found, Accepted):
        assert found.accepted == 2


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("7", 7, 7),
        ("999999", 300, 300),
        ("-1", 0, 0),
        ("soon", 0, 0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0, 0),
        ("Fri, 31 Dec 2100 23:59:59 GMT", 300, 300),
    ],
)
def test_retry_after_is_read_and_bounded(text: str, least: float, most: float) -> None:
    """Seconds or an HTTP date; nonsense is no wish, and no server stops a client for good."""
    found = verdict(503, {"retry-after": text}, b"no json", [])
    assert isinstance(found, Retry)
    assert least <= found.after_seconds <= most


def test_importing_stays_light() -> None:
    """perunit.client brings neither the engine nor the rest of perunit into a service."""
    code = (
        "import sys, perunit.client; "
        "print([m for m in sys.modules if m.split('.')[0] in ('duckdb', 'pydantic', 'pyarrow', 'numpy') "
        "or m.startswith('perunit.') and not m.startswith('perunit.client')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
