"""Writing to another Prometheus: in order, again when it must be, over restarts, and with the numbers of a query."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3
from tests.facts.said import line
from tests.invariants.company import CONTRACT, Company
from tests.live.arriving import arrival
from tests.live.serving import needs_prometheus, prometheus, until

from perunit import pipeline
from perunit.contract.shape import Contract
from perunit.facts.doors.remote_write import read_write_request
from perunit.live.intake import Intake
from perunit.live.remote_writer import RemoteWriter
from perunit.live.service import Service
from perunit.model.window import system_clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perunit.model.window import Clock

EXPORT = {"orders": {"measures": ["revenue_per_unit"], "by": ["plan"], "window": "month"}}


def company(folder: Path, url: str) -> Company:
    """A company that writes to `url` every second."""
    more = {"export": EXPORT, "remote_write": {"url": url, "every": "1s"}}
    return Company(folder, Contract.model_validate(CONTRACT | more))


@contextmanager
def writing(shop: Company, clock: Clock = system_clock) -> Iterator[Intake]:
    """The company's intake and its remote writer, at the time of today."""
    project = shop.project()
    pipeline.start(project, shop.engine, clock)
    intake = Intake(project, shop.engine, clock)
    assert project.contract.remote_write is not None
    writer = RemoteWriter(Service(project, intake, clock, intake.meters), project.contract.remote_write)
    writer.start()
    try:
        yield intake
    finally:
        writer.stop()
        intake.close()


def orders(*totals: tuple[str, str]) -> list[str]:
    """An order of now for each (plan, total)."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return [
        line(id=f"{plan}-{total}", time=now, data={"order_id": f"{plan}-{total}", "plan": plan, "total": total})
        for plan, total in totals
    ]


class Receiver:
    """Takes requests; `answers` says with which status, 204 when it has run out."""

    def __init__(self, answers: list[tuple[int, dict[str, str]]]) -> None:
        self.answers = list(answers)
        self.taken: list[bytes] = []
        self.tries = 0


@contextmanager
def receiving(*answers: tuple[int, dict[str, str]]) -> Iterator[tuple[str, Receiver]]:
    """A receiver on a free port."""
    receiver = Receiver(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.tries += 1
            status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
            if status < 300:
                receiver.taken.append(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1/write", receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def told(body: bytes) -> list[dict[str, Any]]:
    """The samples of a request."""
    rows: list[dict[str, Any]] = read_write_request(body, 1 << 20).rows.to_pylist()
    return rows


def waiting(intake: Intake) -> int:
    """How many requests wait to be taken."""
    count: int = intake.run(lambda engine: engine.value("SELECT count(*) FROM remote_writes")).result()
    return count


def test_what_must_be_sent_again_is_and_the_order_stays(tmp_path: Path) -> None:
    """After 500, and after 429 as late as Retry-After says; the ratio comes with its parts."""
    with receiving((500, {}), (429, {"Retry-After": "1"})) as (url, receiver):
        shop = company(tmp_path, url)
        with writing(shop) as intake:
            intake.submit(arrival(orders(("pro", "30"), ("pro", "12.5"), ("free", "1")))).result(30)
            until(lambda: len(receiver.taken) >= 2 and len(told(receiver.taken[-1])) == 6)
            meters = intake.meters.registry
            assert meters.get_sample_value("perunit_remote_write_requests_total", {"result": "failed"}) == 2
        bodies = [told(body) for body in receiver.taken]
    times = [rows[0]["time"] for rows in bodies]
    assert times == sorted(set(times))
    values = {(row["metric"], dict(row["labels"])["plan"]): row["value"] for row in bodies[-1]}
    assert values["perunit_segment_revenue", "pro"] == "42.5"
    assert values["perunit_segment_units", "pro"] == "2.0"
    assert values["perunit_segment_revenue_per_unit", "pro"] == "21.25"
    assert {key[1] for key in values} == {"pro", "free"}


def test_nothing_is_lost_over_a_restart(tmp_path: Path) -> None:
    """What waited goes first, with the times and values it had."""
    with receiving(*[(503, {"Retry-After": "3600"})] * 3) as (url, receiver):
        shop = company(tmp_path, url)
        with writing(shop) as intake:
            intake.submit(arrival(orders(("pro", "30")))).result(30)
            until(lambda: waiting(intake), lambda count: count >= 2)
        kept = shop.engine.rows("SELECT body FROM remote_writes ORDER BY number")
        assert receiver.taken == []
        receiver.answers.clear()
        with writing(shop):
            until(lambda: len(receiver.taken) > len(kept))
        assert receiver.taken[: len(kept)] == [body for (body,) in kept]


def test_what_is_refused_for_good_is_let_go(tmp_path: Path) -> None:
    """A request that will never be taken must not hold up those after it."""
    with receiving((400, {})) as (url, receiver):
        shop = company(tmp_path, url)
        with writing(shop) as intake:
            intake.submit(arrival(orders(("pro", "30")))).result(30)
            until(lambda: len(receiver.taken))
            read = intake.meters.registry.get_sample_value
            assert read("perunit_remote_write_requests_total", {"result": "refused"}) == 1


def test_a_receiver_that_is_away_too_long_loses_the_oldest_alone(tmp_path: Path, monkeypatch: Any) -> None:
    """The store must not fill up; how many went is counted."""
    monkeypatch.setattr("perunit.live.remote_writer._KEPT_MAX", 2)
    shop = company(tmp_path, "http://127.0.0.1:1/api/v1/write")
    with writing(shop) as intake:
        intake.submit(arrival(orders(("pro", "30")))).result(30)
        read = intake.meters.registry.get_sample_value
        until(lambda: read("perunit_remote_write_requests_total", {"result": "dropped"}))
        assert waiting(intake) == 2


def test_the_last_moment_of_a_window_tells_the_whole_of_it() -> None:
    """At midnight the day that ends is shown, not the one that begins."""
    from perunit.measures.segments import running

    midnight = datetime(2026, 9, 2, tzinfo=UTC)
    assert running("day", midnight - timedelta(microseconds=1)).end == midnight


@needs_prometheus
def test_prometheus_takes_it_and_answers_with_the_same_numbers(tmp_path: Path) -> None:
    """Debian's Prometheus as a receiver, asked by its own API."""
    flags = "--web.enable-remote-write-receiver"
    with prometheus(tmp_path / "prometheus", {"scrape_configs": []}, flags) as address:
        shop = company(tmp_path, f"{address}/api/v1/write")
        with writing(shop) as intake:
            intake.submit(arrival(orders(("pro", "30.25"), ("free", "1")))).result(30)

            def answered() -> dict[str, str]:
                question = urlencode({"query": 'perunit_segment_revenue{export="orders"}'})
                found = json.loads(urllib3.request("GET", f"{address}/api/v1/query?{question}").data)["data"]["result"]
                return {each["metric"]["plan"]: each["value"][1] for each in found}

            assert until(answered) == {"pro": "30.25", "free": "1"}
