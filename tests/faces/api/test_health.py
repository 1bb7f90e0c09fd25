"""How well it is: alive, ready, and measured."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from tests.faces.serving import Served, event, in_process, listening

from perunit.faces.api import health
from perunit.faces.api.body import Limits
from perunit.faces.cli.init import write_project
from perunit.live.intake import Limits as IntakeLimits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perunit.live.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A running perunit whose parts a test can break."""
    write_project(tmp_path, "ecommerce")
    with in_process(tmp_path) as running:
        yield running


@pytest.fixture
def shop(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Its doors; it is looked at anew at every question."""
    monkeypatch.setattr(health, "_PROBE_AGE_SECONDS", 0.0)
    with listening(service, Limits()) as served:
        yield served


def test_it_is_ready_when_it_can_store(shop: Served) -> None:
    """Which is tried, not assumed."""
    assert [shop.send("GET", path).body for path in ("/healthz", "/readyz")] == [{"status": "ok"}] * 2


def test_a_full_disk_is_a_reason(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the last byte is gone; the process itself is well."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 5, 5))
    answer = shop.send("GET", "/readyz")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "5 bytes are free, must be 67,108,864 or more; free space" in answer.body["detail"]
    assert shop.send("GET", "/healthz").status == 200


def test_a_busy_writer_is_a_reason_as_long_as_it_is(
    shop: Served, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A balancer sends events elsewhere meanwhile."""
    monkeypatch.setattr(health, "_PROBE_SECONDS", 0.1)
    free = threading.Event()
    held = service.intake.run(lambda _: free.wait(30))
    assert "the writer has been busy" in shop.send("GET", "/readyz").body["detail"]
    free.set()
    held.result(30)
    monkeypatch.setattr(health, "_PROBE_SECONDS", 30.0)
    assert shop.send("GET", "/readyz").status == 200


def test_a_store_that_has_to_be_opened_again_is_not_well(
    shop: Served, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine refuses everything after such an error; only a restart helps."""

    def fatal(_: Any) -> None:
        raise duckdb.FatalException("database has been invalidated")

    monkeypatch.setattr(health, "_write", fatal)
    assert "database has been invalidated" in shop.send("GET", "/readyz").body["detail"]
    assert shop.send("GET", "/healthz").body["title"] == "Store closed"


def test_a_writer_that_has_ended_is_neither_well_nor_ready(shop: Served, service: Service) -> None:
    """A supervisor restarts it; events are told to come again."""
    service.intake.close()
    answers = [shop.send("GET", path) for path in ("/healthz", "/readyz")]
    assert [answer.status for answer in answers] == [503, 503]
    assert all("the writer has ended" in answer.body["detail"] for answer in answers)
    refused = shop.post(event(1))
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("reason", ["IO Error: No space left on device", "Failed to commit: full"])
def test_what_the_disk_refuses_can_be_sent_again(
    shop: Served, service: Service, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """503 with the reason, nothing kept; when there is room again the same is accepted."""

    def full(*_: Any) -> None:
        raise duckdb.IOException(reason)

    with monkeypatch.context() as patch:
        patch.setattr(type(service.intake._feed), "take_in", full)
        answer = shop.post(event(1))
    assert (answer.status, answer.body["title"]) == (503, "Store cannot be written")
    assert reason in answer.body["detail"]
    assert shop.post(event(1)).body["accepted"] == 1


def test_too_much_at_once_is_told_when_to_come_again(shop: Served, service: Service) -> None:
    """429 with Retry-After while the writer is behind; nothing of it was kept, and later it is taken."""
    service.intake._limits = IntakeLimits(waiting_rows=2)
    free = threading.Event()
    held = service.intake.run(lambda _: free.wait(30))
    waiting = threading.Thread(target=shop.post, args=(event(1), event(2)))
    waiting.start()
    while not service.intake._rows:
        pass
    answer = shop.post(event(3))
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    free.set()
    held.result(30)
    waiting.join()
    assert shop.post(event(3)).body["accepted"] == 1


def test_a_bug_is_a_problem_that_says_where_to_look(
    shop: Served, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 with the request's number, and nothing of what went on inside."""

    def broken(*_: Any) -> None:
        raise AssertionError("inner workings")

    monkeypatch.setattr(type(service.intake._feed), "take_in", broken)
    answer = shop.post(event(1), x_request_id="look-here")
    assert (answer.status, answer.body["request_id"]) == (500, "look-here")
    assert "inner workings" not in str(answer.body)


def test_its_own_metrics_count_rows_and_requests(shop: Served) -> None:
    """By source, door and what became of them; requests by route, not by what was asked for."""
    shop.post(event(1), event(1), event(2, time="no"))
    for path in ("/v1/a", "/v1/b", "/v1/c"):
        shop.send("GET", path)
    text = shop.send("GET", "/metrics").body
    for outcome in ("accepted", "duplicate", "rejected"):
        assert f'perunit_rows_total{{door="http",outcome="{outcome}",source="cloudevents"}} 1.0' in text
    assert 'perunit_http_requests_total{method="POST",path="/v1/events",status="200"} 1.0' in text
    assert 'perunit_http_requests_total{method="any",path="other",status="404"} 3.0' in text
    newest = next(line for line in text.splitlines() if line.startswith("perunit_newest_event_timestamp_seconds{"))
    assert newest == 'perunit_newest_event_timestamp_seconds{source="cloudevents"} 1.788264e+09'
    open_metrics = shop.send("GET", "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert open_metrics.body.endswith("# EOF\n")
