"""A server that is killed while it reads Kafka, over and over: in the end every message counts once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

import confluent_kafka
import pytest
from tests.live.kafka_project import event, project, total, until

from perunit import pipeline
from perunit.wiring import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.live.broker import Broker

ROUNDS = int(os.environ.get("PERUNIT_CRASH_ROUNDS", "3"))
PARTITIONS = 3
PER_ROUND = 3_000
AT_ONCE = 100


@pytest.mark.slow
@pytest.mark.timeout(60 * ROUNDS + 120)
def test_a_killed_server_counts_every_message_once(broker: Broker, tmp_path: Path) -> None:
    """Killed at random moments under load, then left to finish: no message is missing, none counts twice, every
    invariant holds, and what was sent twice is a duplicate.
    """
    broker.make("crash", PARTITIONS)
    # Known by its name, a member that died is replaced at once; otherwise the group would wait for its session to end.
    static = {"group.instance.id": "perunit-1"}
    folder = project(tmp_path / "crash", broker.address, topics="crash", **static)
    chance, killed = random.Random(3), 0
    with watching(broker, "crash") as committed:
        for number in range(ROUNDS):
            with sending(broker, number), serving(folder, tmp_path / f"log-{number}") as server:
                before = sum(committed())
                until(lambda before=before: sum(committed()) > before)  # type: ignore[misc]
                time.sleep(chance.uniform(0, 0.5))
                server.kill()
                killed += server.wait() == -signal.SIGKILL
        with serving(folder, tmp_path / "log-last") as server:
            broker.send("crash", [event(ROUNDS * PER_ROUND)])
            until(lambda: sum(committed()) == ROUNDS * (PER_ROUND + AT_ONCE) + 1, seconds=60)
            server.terminate()
            assert server.wait(30) == 0
    assert killed == ROUNDS
    count = ROUNDS * PER_ROUND + 1
    assert total(folder) == [(count, count, Decimal("1.25") * count)]
    with opened(folder, purpose="verify") as found:
        assert found.engine.rows("SELECT sum(received), sum(accepted), sum(duplicate) FROM batches") == [
            (count + ROUNDS * AT_ONCE, count, ROUNDS * AT_ONCE)
        ]
        assert [each for each in pipeline.verify(found.project, found.engine) if not each.holds] == []


@contextmanager
def sending(broker: Broker, number: int) -> Iterator[None]:
    """A round's messages are sent while it lasts, the first hundred of them twice; all of them before it is over."""
    values = [event(number * PER_ROUND + each) for each in range(PER_ROUND)]
    values += values[:AT_ONCE]

    def send() -> None:
        for start in range(0, len(values), AT_ONCE):
            broker.send("crash", values[start : start + AT_ONCE])

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def serving(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``perunit serve`` in a process of its own."""
    words = ["serve", "--port", "0", "--grpc-port", "0", "--log", "json"]
    command = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(folder), *words]
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            yield server
        finally:
            server.kill()
            server.wait()


@contextmanager
def watching(broker: Broker, group: str) -> Iterator[Callable[[], list[int]]]:
    """What brokers think the group has read, by partition; it follows what the store holds."""
    client = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": group, "log_level": 0})
    asked = [confluent_kafka.TopicPartition("crash", each) for each in range(PARTITIONS)]
    yield lambda: [max(0, each.offset) for each in client.committed(asked, timeout=10)]
    client.close()
