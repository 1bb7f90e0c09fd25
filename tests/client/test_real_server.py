"""Against a real `perunit serve`: whatever is lost or killed on the way, each event is stored exactly once."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.client.server import until
from tests.faces.serving import serving

from perunit.client import Events, Limits, Problem
from perunit.faces.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = Limits(linger_seconds=0.005, batch_events=50, retry_seconds=0.02, retry_seconds_max=0.2)


class Gateway:
    """A proxy on a port that stays, in front of a server that comes and goes; loses every third answer."""

    def __init__(self) -> None:
        self.server: tuple[str, int] | None = None
        self.lost = 0
        self._answers = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listens no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self.server is not None:
                with socket.create_connection(self.server) as server:
                    threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
                    self._answer(client, server)
            # Only this ends a connection that another thread is reading from.
            client.shutdown(socket.SHUT_RDWR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while answer := server.recv(1 << 16):
                self._answers += 1
                if self._answers % 3 == 0:
                    # The server has committed, and its client will never know.
                    self.lost += 1
                    return
                client.sendall(answer)

    @staticmethod
    def _copy(client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while asked := client.recv(1 << 16):
                server.sendall(asked)
            server.shutdown(socket.SHUT_WR)


@contextmanager
def gateway() -> Iterator[Gateway]:
    """A gateway, closed in the end."""
    made = Gateway()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The shop of the template."""
    assert main(["init", str(tmp_path / "shop")]) == 0
    return tmp_path / "shop"


def order(number: int) -> dict[str, object]:
    """The data of an order of the shop."""
    whole = {"order_id": f"o-{number}", "user_id": "u-1", "total": Decimal("12.50"), "plan": "pro"}
    return whole | {"region": "eu", "channel": "web"}


def test_lost_answers_count_nothing_twice(project: Path) -> None:
    """A third of the answers never arrives; the retries are duplicates, revenue is that of each order once."""
    with serving(project) as served, gateway() as on_the_way:
        on_the_way.server = served.endpoint
        with Events(on_the_way.url, "/checkout", limits=QUICK) as events:
            for number in range(1000):
                events.emit("order.completed", order(number))
            assert events.flush(60)
            found = events.counters()
        assert on_the_way.lost > 2
        assert found.duplicate > 0
        assert found.accepted + found.duplicate == found.emitted == 1000
        (row,) = served.ask("query", "units", "revenue")["rows"]
        assert (row["units"], row["revenue"]) == (1000, "12500")
        assert served.stop() == 0


def test_what_the_real_server_rejects_is_told_with_its_rule(project: Path) -> None:
    """One of several, and all of a batch: each problem reaches the producer once, and waits in quarantine once."""
    told: list[Problem] = []
    with (
        serving(project) as served,
        Events(served.address, "/checkout", limits=QUICK, on_problem=told.append) as events,
    ):
        for total in ("1", "x"):
            events.emit("order.completed", order(1) | {"total": total})
        assert events.flush(30)
        alone = events.emit("order.completed", order(2) | {"total": -1})
        assert events.flush(30)
        assert [(each.kind, each.rule, each.place, each.got) for each in told] == [
            ("rejected", "schema type", "data.total", "x"),
            ("rejected", "schema minimum", "data.total", "-1"),
        ]
        assert told[1].event_id == alone
        assert (events.counters().accepted, events.counters().rejected) == (1, 2)
        assert sum(row["rows"] for row in served.ask("quarantine", "list")) == 2


@pytest.mark.slow
def test_a_server_that_is_killed_loses_and_doubles_nothing(project: Path, tmp_path: Path) -> None:
    """Kill -9 of the server, three times with requests on their way: every event once, invariants hold."""
    numbers = iter(range(1500))
    with gateway() as on_the_way:
        events = Events(on_the_way.url, "/checkout", spool=tmp_path / "spool", limits=QUICK)

        def emit(count: int) -> None:
            for _ in range(count):
                events.emit("order.completed", order(next(numbers)))

        for _ in range(3):
            emit(200)
            with serving(project) as served:
                on_the_way.server = served.endpoint
                known = stored(events)
                assert until(lambda known=known: stored(events) >= known + 100, 60)
                emit(300)
                served.stop(signal.SIGKILL)
        with serving(project) as served:
            on_the_way.server = served.endpoint
            assert events.close(60)
            assert stored(events) == events.counters().emitted == 1500
            (row,) = served.ask("query", "units", "revenue")["rows"]
            assert (row["units"], row["revenue"]) == (1500, "18750")
            assert served.ask("verify")["ok"]


def stored(events: Events) -> int:
    """How many events the server is known to have."""
    found = events.counters()
    return found.accepted + found.duplicate
