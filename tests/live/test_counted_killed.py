"""Remote write against a server that is killed at any moment: a sender that sends again loses and doubles nothing."""

from __future__ import annotations

import random
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING

import urllib3
from tests.docs.test_docs import files, page
from tests.live.serving import free_port, killable, perunit

from perunit.facts.doors.remote_write import Sent, write_request

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 6
HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}


class Sender:
    """Sends what a counter shows, each batch until it is answered, as Prometheus does; some of it twice."""

    def __init__(self, url: str, tenant: str) -> None:
        self._url, self._tenant = url, tenant
        self._chance = random.Random(tenant)
        self.value = 1000.0
        self.acknowledged = self.first = Decimal(1000)
        self._milliseconds = int(time.time() * 1000) - 3_600_000
        self.ending = threading.Event()
        self.tries = 0

    def _batch(self) -> bytes:
        samples = []
        for _ in range(self._chance.randint(1, 4)):
            self._milliseconds += 1000
            samples.append(
                Sent(
                    {"__name__": "shop_cpu_seconds_total", "tenant": self._tenant, "namespace": "n", "instance": "i"},
                    self._milliseconds,
                    self.value,
                )
            )
            self.value += self._chance.randint(0, 50) / 4
        self._last = Decimal(repr(samples[-1].value))
        return write_request(samples)

    def run(self) -> None:
        """Until it is told to end, and its last batch was taken."""
        pool = urllib3.PoolManager(retries=False, timeout=5)
        while not self.ending.is_set():
            body = self._batch()
            for _ in range(1 + (self._chance.random() < 0.2)):
                self._deliver(pool, body)
            self.acknowledged = self._last

    def _deliver(self, pool: urllib3.PoolManager, body: bytes) -> None:
        while True:
            self.tries += 1
            try:
                if pool.request("POST", self._url, body=body, headers=HEADERS).status == 204:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(0.02)


def test_a_killed_server_counts_growth_once(tmp_path: Path) -> None:
    """After every kill and at the end, usage is what the acknowledged counters have grown by."""
    (tmp_path / "perunit.yaml").write_text(files(page("doors/prometheus.md"))["perunit.yaml"], encoding="utf-8")
    port, chance = free_port(), random.Random(7)
    senders = [Sender(f"http://127.0.0.1:{port}/api/v1/write", f"t-{number}") for number in range(3)]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    for thread in threads:
        thread.start()
    try:
        for _ in range(ROUNDS):
            with killable(tmp_path, port):
                time.sleep(0.2 + chance.random())
        with killable(tmp_path, port):
            for sender in senders:
                sender.ending.set()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
    finally:
        for sender in senders:
            sender.ending.set()
    rows = perunit(tmp_path, "query", "cpu_seconds", "active_units")["rows"]
    grown = sum(sender.acknowledged - sender.first for sender in senders)
    assert grown > 0
    assert [(Decimal(row["cpu_seconds"]), row["active_units"]) for row in rows] == [(grown, len(senders))]
    perunit(tmp_path, "verify")
