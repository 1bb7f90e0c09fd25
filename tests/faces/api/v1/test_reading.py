"""Answers are of one state, kept for whoever may see them, ended when nobody waits, and told of when they change."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.faces.api.v1.conftest import AS, Running, made, running

from perunit.faces.api.v1.reading import reading_of
from perunit.live.reader import Reader, TookTooLongError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perunit.engine.duckdb import Engine
    from perunit.live.intake import Intake

SLOW = "SELECT count(*) FROM range(100000) a, range(100000) b WHERE a.range + b.range = 7"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A company whose facts the tests of a module add to."""
    with running(made(tmp_path_factory.mktemp("fresh"))) as found:
        yield found


def paid(number: int, unit: str | None = None) -> dict[str, Any]:
    """One more order, on the last of the company's days."""
    return {
        "specversion": "1.0", "id": f"more-{number}", "source": "/studio/shop", "type": "order.completed",
        "time": f"2026-10-05T23:{number % 60:02}:00Z",
        "data": {"order_id": unit or f"more/{number}", "user_id": "u-1", "total": "10.00", "items": 1, "plan": "pro",
                 "region": "eu-west-1", "channel": "web", "release": "v4.0"},
    }  # fmt: skip


def ingested(company: Running, *events: dict[str, Any]) -> None:
    """Sends events, which are accepted, and lets the next answers see them."""
    answer = company.send("POST", "/v1/events", body=list(events), content_type="application/cloudevents-batch+json")
    assert answer.status == 200, answer.body
    company.seen()


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether something comes to hold within some seconds."""
    until = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize(
    "path", ["/query?measure=units", "/measures", "/project", "/explain?measure=revenue", "/units/order", "/failures",
             "/export?measure=units", "/bridge?from=2026-10-01&to=2026-10-03"],
)  # fmt: skip
def test_an_answer_is_not_sent_twice(company: Running, path: str) -> None:
    """Its tag brings 304 from whoever sees the same; another viewer and another question have other tags."""
    first = company.send("GET", f"/api/v1{path}")
    assert (first.status, first.headers["cache-control"]) == (200, "private, no-cache")
    again = company.send("GET", f"/api/v1{path}", if_none_match=first.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = company.send("GET", f"/api/v1{path}", who="european", if_none_match=first.headers["etag"])
    assert other.status == 200
    assert other.headers["etag"] != first.headers["etag"]


def test_what_comes_changes_answers_and_tags(fresh: Running) -> None:
    """The same question has another answer once facts are summed, and its old tag brings the new one."""
    question = "/api/v1/query?measure=events"
    before = fresh.send("GET", question)
    ingested(fresh, paid(1), paid(2))
    after = fresh.send("GET", question, if_none_match=before.headers["etag"])
    assert after.status == 200
    assert after.body["rows"][0]["events"] == before.body["rows"][0]["events"] + 2
    assert after.body["freshness"]["batch_id"] > before.body["freshness"]["batch_id"]


def test_answers_are_kept_by_what_a_viewer_sees(company: Running) -> None:
    """Asked in turns, each gets their own, from the first to the last."""
    question = {"measures": ["events"], "by": ["plan"]}
    whole = company.get("/query", measure="events", by="plan", filter="region:eu-west-1")["rows"]
    for _ in range(3):
        assert company.queries(question, who="owner")[0]["rows"] != whole
        assert company.queries(question, who="european")[0]["rows"] == whole
        assert company.queries(question, who="nobody")[0]["problem"]["status"] == 403


def test_what_several_ask_at_once_is_read_once(company: Running) -> None:
    """Twenty viewers of one figure cost one question."""
    reader = reading_of(company.service).reader
    asked: list[Any] = []
    original = reader.ask
    reader.ask = lambda work, **how: asked.append(work) or original(work, **how)  # type: ignore[method-assign, func-returns-value]
    path = "/query"
    threads = [
        threading.Thread(target=lambda: company.get(path, measure="latency_ms_p99", by="release,region"))
        for _ in range(20)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        reader.ask = original  # type: ignore[method-assign]
    assert len(asked) == 1


def test_who_goes_away_takes_the_question_along(company: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement is interrupted and its connection answers others."""
    from perunit.faces.api.v1 import figures

    reader = reading_of(company.service).reader
    monkeypatch.setattr(figures, "figures", lambda engine, *_: engine.value(SLOW))
    where = urlsplit(company.address)
    calls = [http.client.HTTPConnection(str(where.hostname), where.port) for _ in range(6)]
    for number, call in enumerate(calls):
        call.request("GET", f"/api/v1/query?measure=units&limit={number + 1}", headers={AS: "owner"})
    assert eventually(lambda: reader.running == 4)
    for call in calls:
        assert call.sock
        call.sock.shutdown(socket.SHUT_RDWR)
        call.close()
    assert eventually(lambda: reader.running == 0)
    monkeypatch.undo()
    assert company.get("/query", measure="units", limit=77)["rows"]


def test_no_connection_is_lost_to_questions_that_are_given_up(company: Running) -> None:
    """At whatever moment: while it waits, begins, reads, fails or is tidied up after."""
    intake: Intake = company.service.intake
    reader = Reader(intake, threads=2)
    try:
        for round_ in range(150):
            asked = [reader.ask(lambda engine: engine.value(SLOW)) for _ in range(2)]
            time.sleep(round_ % 15 / 1000)
            for question in asked:
                question.give_up()
            if round_ % 10 == 0:
                answers = [reader.ask(lambda engine: engine.value("SELECT 1")) for _ in range(4)]
                assert [question.future.result(10) for question in answers] == [1, 1, 1, 1]
    finally:
        intake.at_close.remove(reader.close)
        reader.close()


def test_a_question_has_so_many_seconds(company: Running) -> None:
    """Then it is ended, with an error that says so, and the next is answered."""
    intake: Intake = company.service.intake
    reader = Reader(intake, threads=1, seconds_max=0.2)

    def slow(engine: Engine) -> Any:
        return engine.value(SLOW)

    with pytest.raises(TookTooLongError, match=r"more than 0\.2 s"):
        reader.ask(slow).future.result(20)
    assert reader.ask(lambda engine: engine.value("SELECT 1")).future.result(5) == 1
    intake.at_close.remove(reader.close)
    reader.close()


def test_a_change_is_told_to_whoever_follows(fresh: Running) -> None:
    """An event at once, another after facts came; its answer then has them."""
    where = urlsplit(fresh.address)
    call = http.client.HTTPConnection(str(where.hostname), where.port, timeout=20)
    call.request("GET", "/api/v1/live", headers={AS: "owner"})
    stream = call.getresponse()
    assert stream.headers["content-type"].startswith("text/event-stream")
    first = following(stream)
    answer = fresh.send("POST", "/v1/events", body=paid(1), content_type="application/cloudevents+json")
    assert answer.status == 200
    second = following(stream)
    assert second["batch_id"] > first["batch_id"]
    assert second["lag_seconds"] >= 0
    query = fresh.get("/query", measure="units")
    assert query["freshness"]["batch_id"] == second["batch_id"]
    call.close()


def following(stream: http.client.HTTPResponse) -> Any:
    """The next event of a stream."""
    lines = iter(stream.readline, b"")
    assert next(line for line in lines if line.startswith(b"event:")) == b"event: data\n"
    return json.loads(next(lines).removeprefix(b"data: "))
