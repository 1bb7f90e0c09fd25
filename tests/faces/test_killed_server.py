"""A server that is killed at any moment, under clients that send again until they are answered.

``make crash-serve`` does a hundred rounds and says how long the longest start took.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from contextlib import ExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from tests.faces.serving import Served, command, event, serving

from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = int(os.environ.get("PERUNIT_CRASH_ROUNDS", "3"))
CLIENTS = 3


class Client(threading.Thread):
    """Sends batches one after the other, each again and again until it is acknowledged."""

    def __init__(self, number: int, address: str, *, chance: random.Random) -> None:
        super().__init__()
        self._number, self._address, self._chance = number, address, chance
        self.acknowledged: dict[str, Decimal] = {}
        self.retries = 0
        self.enough = threading.Event()

    def run(self) -> None:
        """Until it has been enough, and the batch at hand is through."""
        batch = 0
        while not self.enough.is_set():
            made = [self._event(f"{self._number}-{batch}-{each}") for each in range(self._chance.randint(1, 40))]
            while not self._sent([one for one, _ in made]):
                self.retries += 1
                time.sleep(0.02)
            self.acknowledged.update({one["id"]: total for one, total in made})
            batch += 1

    def _event(self, name: str) -> tuple[dict[str, Any], Decimal]:
        total = Decimal(self._chance.randint(1, 99_999)).scaleb(-2)
        made = event(name)
        made["data"]["total"] = str(total)
        return made, total

    def _sent(self, events: list[dict[str, Any]]) -> bool:
        try:
            answer = Served(self._address, None, None).post(*events)  # type: ignore[arg-type]
        except urllib3.exceptions.HTTPError:
            return False
        assert answer.status in {200, 429, 503}, answer.body
        assert answer.status != 200 or answer.body["accepted"] + answer.body["duplicate"] == len(events), answer.body
        return answer.status == 200


def free_port() -> int:
    """One that the server takes again after each kill, as its clients expect."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.mark.slow
@pytest.mark.timeout(60 * ROUNDS + 180)
def test_every_acknowledged_event_counts_exactly_once(tmp_path: Path) -> None:
    """Killed over and over, the store has what was acknowledged, once each, to the last cent; its invariants hold."""
    project = tmp_path / "shop"
    write_project(project, "ecommerce")
    chance, port = random.Random(5), free_port()
    clients = [Client(n, f"http://127.0.0.1:{port}", chance=random.Random(n)) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    longest = 0.0
    for _ in range(ROUNDS):
        started = time.monotonic()
        with serving(project, "--port", str(port)) as served:
            longest = max(longest, time.monotonic() - started)
            seen = sum(len(client.acknowledged) for client in clients)
            while sum(len(client.acknowledged) for client in clients) == seen:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.6))
            assert served.process
            served.process.kill()
    with serving(project, "--port", str(port)) as served, ExitStack() as stack:
        for client in clients:
            stack.callback(client.join)
            client.enough.set()
        stack.close()
        assert served.stop() == 0
    check(project, clients)
    print(f"{ROUNDS} kills, {sum(client.retries for client in clients)} sent again, longest start {longest:.2f} s")  # noqa: T201


def check(project: Path, clients: list[Client]) -> None:
    """The figures are those of the acknowledged events, and the invariants hold."""
    import json

    acknowledged = {name: total for client in clients for name, total in client.acknowledged.items()}
    assert any(client.retries for client in clients)
    asked = command("-C", str(project), "--json", "query", "units", "revenue")
    (row,) = json.loads(asked.stdout)["rows"]
    assert row["units"] == len(acknowledged)
    assert Decimal(row["revenue"]) == sum(acknowledged.values(), Decimal(0))
    assert json.loads(command("-C", str(project), "--json", "verify").stdout)["ok"]
