"""What the Prometheus routes answer: a sender knows what to send again, a collector reads the digits of a query."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.facts.said import table_contract
from tests.invariants.company import CONTRACT, START, Company
from tests.live.arriving import waiting_together
from tests.live.otlp_sent import Listening, listening
from tests.live.serving import until
from tests.live.test_counted import MAPPING, MATCH, samples

from perunit.contract.shape import Contract
from perunit.facts.doors.remote_write import Sent, write_request
from perunit.live.intake import Limits

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def company(folder: Path, **more: Any) -> Company:
    """A company whose source `shop` is a metric."""
    contract = table_contract("prometheus", MATCH, **MAPPING).model_dump(by_alias=True)
    return Company(folder, Contract.model_validate(contract | more))


def sent(*given: tuple[str, int, float], metric: str = "cpu_total") -> bytes:
    """A request of samples (order, seconds, value)."""
    at = int(START.timestamp())
    return write_request(
        Sent({"__name__": metric, "order": order, "region": "eu"}, (at + seconds) * 1000, value)
        for order, seconds, value in given
    )


def post(where: Listening, body: bytes, **headers: str | None) -> Any:
    """The answer to a write; a header of None is left out."""
    given = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in given.items() if value is not None}
    return urllib3.request("POST", f"{where.url}/api/v1/write", body=body, headers=kept, retries=False)


def test_samples_are_stored_before_they_are_answered_for(tmp_path: Path) -> None:
    """204, the same again, and with a sample that is refused: what can be stored is."""
    shop = company(tmp_path)
    with listening(shop) as where:
        first = sent(("a", 0, 5.0), ("b", 0, float("nan")))
        answers = [post(where, body) for body in (first, sent(("a", 15, 7.5)), sent(("a", 15, 7.5)), sent())]
        ignored = post(where, sent(("a", 0, 1.0), metric="other"), X_Prometheus_Remote_Write_Version=None)
    assert [each.status for each in (*answers, ignored)] == [204] * 5
    assert {each.data for each in answers} == {b""}
    assert shop.engine.rows("SELECT sum(accepted), sum(duplicate), sum(rejected) FROM batches") == [(2, 1, 1)]
    assert shop.engine.value("SELECT sum(usage_cpu_seconds) FROM events") == Decimal("2.5")


REFUSED: list[tuple[bytes, dict[str, str | None], int, str]] = [
    (b"\xff", {}, 400, "snappy"),
    (write_request([Sent({"": "x"}, 0, 1.0)]), {}, 400, "label"),
    (b"\xff\xff\xff\x7f" + b"\0" * 10**6, {}, 413, "at most"),
    (b"", {"Content_Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}, 415, "remote write 1.0"),
    (b"", {"Content_Type": "application/json"}, 415, "remote write 1.0"),
    (b"", {"Content_Encoding": None}, 415, "snappy"),
    (b"", {"X_Prometheus_Remote_Write_Version": "2.0.0"}, 415, "0.1.0"),
]


@pytest.mark.parametrize(("body", "headers", "status", "word"), REFUSED)
def test_what_must_not_come_again_is_refused_for_good(
    tmp_path: Path, body: bytes, headers: dict[str, str | None], status: int, word: str
) -> None:
    """4xx with a problem: Prometheus drops the batch, or falls back to version 1.0 after 415."""
    shop = company(tmp_path)
    with listening(shop) as where:
        answer = post(where, body, **headers)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert word in json.loads(answer.data)["detail"]
    assert shop.engine.value("SELECT count(*) FROM batches") == 0


def test_too_much_at_once_is_to_come_again(tmp_path: Path) -> None:
    """503 and not 429, which Prometheus gives up on by default."""
    with listening(company(tmp_path), limits=Limits(waiting_rows=1)) as where:
        with waiting_together(where.service.intake):
            waiting = where.service.intake.submit(samples(("x", 0, "1")))
            answer = post(where, sent(("a", 0, 5.0)))
        waiting.result(30)
        again = post(where, sent(("a", 0, 5.0)))
    assert (answer.status, again.status) == (503, 204)
    assert int(answer.headers["retry-after"]) >= 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_body_does_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Noise, and requests with a damaged byte: never a 5xx."""
    where = _noise_target(tmp_path_factory)
    body = bytearray(data.draw(st.binary(max_size=60) | st.just(sent(("a", 0, 5.0), ("b", 1, 6.0)))))
    if body:
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert post(where, bytes(body)).status in {204, 400, 413}


_OPEN: list[Any] = []


def _noise_target(factory: pytest.TempPathFactory) -> Listening:
    """One server for all examples; ended with the module."""
    if not _OPEN:
        context = listening(company(factory.mktemp("noise")))
        _OPEN.extend([context, context.__enter__()])
    where: Listening = _OPEN[1]
    return where


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Any:
    yield
    if _OPEN:
        _OPEN[0].__exit__(None, None, None)
        _OPEN.clear()


def test_segments_are_shown_while_it_serves(tmp_path: Path) -> None:
    """The running window's measures, as a query would say them."""
    export = {
        "shop": {"measures": ["cpu_seconds", "active_units"], "by": ["region"], "window": "month", "unit": "user"}
    }
    shop = company(
        tmp_path, export=export | {"orders": {"measures": ["cpu_seconds"], "by": ["region"], "window": "month"}}
    )
    with listening(shop) as where:
        post(where, sent(("a", 0, 5.0), ("a", 15, 7.5)))
        answer = urllib3.request("GET", f"{where.url}/metrics/segments")
        assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")

        def shown() -> list[str]:
            return urllib3.request("GET", f"{where.url}/metrics/segments").data.decode().splitlines()

        # Sums follow what was acknowledged within half a second.
        line = 'perunit_segment_cpu_seconds{export="orders",unit="order",window="month",region="eu"} 2.5'
        until(shown, lambda lines: line in lines)


def test_without_an_export_there_is_nothing_to_show(tmp_path: Path) -> None:
    """An empty exposition, which is a sound one."""
    with listening(Company(tmp_path, Contract.model_validate(deepcopy(CONTRACT)))) as where:
        assert urllib3.request("GET", f"{where.url}/metrics/segments").data == b""
