"""Scraping: an exporter's samples come in with the labels of their target, and whatever a target does stays its own."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import Counter
from tests.facts.said import table_contract
from tests.invariants.company import Company
from tests.live.arriving import opened, waiting_together
from tests.live.serving import exporting, until
from tests.live.test_counted import samples

from perunit.contract.shape import Contract, Scrape
from perunit.facts.arrivals import DoorError
from perunit.live.calls import CallError
from perunit.live.intake import ClosedError, Intake, Limits, OverloadedError
from perunit.live.scraper import ScrapeMeters, Scraper, Target
from perunit.live.service import Service
from perunit.model.window import system_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAPPING: dict[str, Any] = {
    "id": None, "time": None, "type": "metric", "amounts": {}, "units": {"order": "labels['order']"},
    "usage": {"cpu_seconds": "increase"}, "resource": "labels['instance']",
}  # fmt: skip


def company(folder: Path, **scrape: Any) -> Company:
    """A company whose source `shop` is the samples of orders, with targets of the job `app`."""
    contract = table_contract("prometheus", {"match": "labels['order'] <> ''"}, **MAPPING).model_dump(by_alias=True)
    more = {"limits": {"future_hours": 200_000}} | ({"scrape": {"app": scrape}} if scrape else {})
    return Company(folder, Contract.model_validate(contract | more))


def service_of(shop: Company, intake: Intake) -> Service:
    """A running perunit at the time of today, which is what an exporter's samples are of."""
    return Service(shop.project(), intake, system_clock, intake.meters)


def target(shop: Company, intake: Intake, url: str, **scrape: Any) -> Target:
    """A target that is asked when the test says so."""
    service = service_of(shop, intake)
    return Target(service, "app", Scrape(url=url, **scrape), url, ScrapeMeters(intake.meters))


def test_targets_are_asked_at_their_interval_and_grow_usage(tmp_path: Path) -> None:
    """job, instance and the target's own labels are there; the meters say how it went."""
    with exporting() as exporter:
        url = f"http://{exporter.address}/metrics"
        cpu = Counter("cpu", "CPU", ["order"], registry=exporter.registry).labels("o-1")
        cpu.inc(100)
        shop = company(tmp_path, url=(url,), every="1s", timeout="1s", labels={"cluster": "eu"})
        with opened(shop) as intake:
            scraper = Scraper(service_of(shop, intake))
            scraper.start()
            try:
                usage = "SELECT sum(usage_cpu_seconds), any_value(resource) FROM events WHERE usage_cpu_seconds > 0"
                until(lambda: intake.run(lambda engine: engine.value("SELECT count(*) FROM events")).result())
                cpu.inc(2.5)
                found = until(lambda: intake.run(lambda engine: engine.rows(usage)).result()[0], lambda row: row[0])
            finally:
                scraper.stop()
            read = intake.meters.registry.get_sample_value
            labels = {"job": "app", "instance": exporter.address}
            assert (str(found[0]), found[1]) == ("2.500000000", exporter.address)
            assert read("perunit_scrape_up", labels) == 1
            assert read("perunit_scrape_failures_total", labels) in {0, None}


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that answers every GET in this way; the URL of its metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_body(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """An answer that never ends, byte by byte."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(600):
            handler.wfile.write(b"#")
            threading.Event().wait(0.05)
    except OSError:
        pass


BAD: list[tuple[Callable[[BaseHTTPRequestHandler], None], type[Exception], str]] = [
    (with_body(b"busy", 503), CallError, "answers 503"),
    (with_body(b"", 302, Location="http://169.254.169.254/latest/meta-data"), CallError, "answers 302"),
    (with_body(b"cpu 1"), DoorError, "must be a line feed"),
    (with_body(b"cpu 1\n", Content_Type="application/openmetrics-text"), DoorError, "must be the line # EOF"),
    (with_body(b"x" * 2000), CallError, "more than 1,000 bytes"),
    (with_body(gzip.compress(b"#" * 10**7), Content_Encoding="gzip"), CallError, "more than 1,000 bytes"),
    (with_body(b"no gzip", Content_Encoding="gzip"), CallError, "broke off"),
    (dripping, CallError, "too long"),
]


@pytest.mark.parametrize(("answer", "kind", "reason"), BAD, ids=[reason for *_, reason in BAD])
def test_a_bad_answer_is_given_up_and_changes_nothing(
    tmp_path: Path, answer: Callable[[BaseHTTPRequestHandler], None], kind: type[Exception], reason: str
) -> None:
    """Redirects, cut and endless answers, bombs: each is refused with its reason, in bounded time and memory."""
    shop = company(tmp_path)
    with answering(answer) as url, opened(shop) as intake, pytest.raises(kind, match=reason):
        target(shop, intake, url, timeout="1s", bytes_max=1000).scrape()
    assert shop.engine.value("SELECT count(*) FROM batches") == 0


def test_nobody_there_is_a_failure_that_is_counted(tmp_path: Path) -> None:
    """A loop goes on; up is 0."""
    with answering(with_body(b"")) as url:
        pass
    shop = company(tmp_path, url=(url,), every="1s", timeout="1s")
    with opened(shop) as intake:
        scraper = Scraper(service_of(shop, intake))
        scraper.start()
        read = intake.meters.registry.get_sample_value
        labels = {"job": "app", "instance": url.split("/")[2]}
        until(lambda: (read("perunit_scrape_failures_total", labels) or 0) >= 2)
        scraper.stop()
        assert read("perunit_scrape_up", labels) == 0


def test_a_token_comes_from_a_variable_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read when it is needed, so that it may be renewed; never in an error."""
    seen: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        with_body(b"")(handler)

    shop = company(tmp_path)
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    with answering(answer) as url, opened(shop) as intake:
        by_variable = target(shop, intake, url, token_variable="SCRAPE_TOKEN")
        with pytest.raises(CallError, match="SCRAPE_TOKEN: is not set"):
            by_variable.scrape()
        monkeypatch.setenv("SCRAPE_TOKEN", "from-variable")
        by_variable.scrape()
        by_file = target_again(shop, intake, url)
        by_file.scrape()
    assert seen == ["Bearer from-variable", "Bearer from-file"]


def target_again(shop: Company, intake: Intake, url: str) -> Target:
    """A second target, on meters of its own."""
    from perunit.live.meters import Meters

    return Target(service_of(shop, intake), "app", Scrape(url=url, token_file="token"), url, ScrapeMeters(Meters()))


def test_a_scrape_that_finds_no_room_is_let_go_and_the_next_one_has_it_all(tmp_path: Path) -> None:
    """Counters are counted from their last sample on."""
    value = [100]
    with answering(lambda handler: with_body(b'cpu{order="o"} %d\n' % value[0])(handler)) as url:
        shop = company(tmp_path)
        with opened(shop, limits=Limits(waiting_rows=1)) as intake:
            one = target(shop, intake, url)
            one.scrape()
            value[0] = 103
            with waiting_together(intake):
                waiting = intake.submit(samples(("x", 0, "1")))
                with pytest.raises(OverloadedError):
                    one.scrape()
            waiting.result(30)
            value[0] = 110
            one.scrape()
    assert shop.engine.value("SELECT sum(usage_cpu_seconds) FROM events") == 10


def test_a_target_that_hangs_does_not_hold_up_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer, should it come after all, is not taken in."""
    monkeypatch.setattr("perunit.live.scraper._STOP_SECONDS", 0.1)
    asked, free = threading.Event(), threading.Event()

    def hanging(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        free.wait(30)
        with_body(b'cpu{order="o"} 1\n')(handler)

    with answering(hanging) as url:
        shop = company(tmp_path, url=(url,), every="30s", timeout="30s")
        with opened(shop) as intake:
            one = target(shop, intake, url, every="1s", timeout="1s")
            one.start()
            assert asked.wait(30)
            one.end()
            one.join()
            free.set()
            with pytest.raises(ClosedError):
                one.scrape()
    assert shop.engine.value("SELECT count(*) FROM batches") == 0
