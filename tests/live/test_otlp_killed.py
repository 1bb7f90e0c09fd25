"""A server that is killed amid OTLP traffic: every acknowledged span counts once, with its trace's unit."""

from __future__ import annotations

import random
import signal
import threading
from typing import TYPE_CHECKING, Any

import duckdb
import urllib3
from tests.faces.serving import Served, command, serving
from tests.facts.doors.otlp_messages import NANOS, trace_request
from tests.live.test_otlp import NOON

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
version: 1
units: {order: {owner: checkout, key: order.id}}
sources:
  checkout:
    format: otlp_spans
    wait_seconds: 3600
    event: {units: {order: "trace['order.id']"}}
"""
TRACES, KILLS = 12, 2


def requests_of(traces: int) -> list[bytes]:
    """For each trace two requests of children and one of the root, in any order."""
    made = []
    for trace in range(1, traces + 1):
        same = {"trace_id": trace.to_bytes(16, "big"), "start_time_unix_nano": NOON, "end_time_unix_nano": NOON + NANOS}
        children = [{**same, "span_id": bytes([0] * 7 + [n]), "parent_span_id": b"\1" * 8} for n in range(2, 6)]
        root: dict[str, Any] = {**same, "span_id": b"\1" * 8, "attributes": {"order.id": f"o-{trace}"}}
        made += [trace_request(*spans).SerializeToString() for spans in (children[:2], children[2:], [root])]
    random.Random(7).shuffle(made)
    return made


class Sender:
    """Sends requests one after another, each until it is acknowledged, wherever the server is now."""

    def __init__(self, requests: list[bytes]) -> None:
        self.address, self.acknowledged, self._requests = "", 0, requests
        self.changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def moved(self, served: Served) -> None:
        """The server is there now."""
        self.address = served.address

    def until(self, count: int) -> None:
        """Waits for so many acknowledgements."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.acknowledged >= count, 60)

    def _run(self) -> None:
        for body in self._requests:
            while not self._sent(body):
                pass
            with self.changed:
                self.acknowledged += 1
                self.changed.notify()

    def _sent(self, body: bytes) -> bool:
        headers = {"content-type": "application/x-protobuf"}
        try:
            url = f"{self.address}/v1/traces"
            return urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=20).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def test_killed_servers_count_every_span_once(tmp_path: Path) -> None:
    """Killed at any moment, with spans that wait; started anew, all is there once, and the store is sound."""
    (tmp_path / "perunit.yaml").write_text(CONTRACT, encoding="utf-8")
    requests = requests_of(TRACES)
    sender = Sender(requests)
    for number in range(1, KILLS + 1):
        with serving(tmp_path) as served:
            sender.moved(served)
            if number == 1:
                sender.start()
            sender.until(number * len(requests) // (KILLS + 1))
            assert served.stop(signal.SIGKILL) == -signal.SIGKILL
    with serving(tmp_path) as served:
        sender.moved(served)
        sender.until(len(requests))
        assert served.stop() == 0
    with duckdb.connect(str(tmp_path / "data" / "perunit.duckdb"), read_only=True) as store:
        facts = store.execute("SELECT unit_order, count(*), count(DISTINCT id) FROM events GROUP BY ALL").fetchall()
        assert store.execute("SELECT count(*) FROM waiting_spans").fetchall() == [(0,)]
    assert sorted(facts) == sorted((f"o-{trace}", 5, 5) for trace in range(1, TRACES + 1))
    assert command("-C", str(tmp_path), "verify").returncode == 0
