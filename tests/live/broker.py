"""Brokers for tests: noida-db, a small local program that speaks Kafka's protocol, and librdkafka's mock cluster.

Neither is Kafka. noida-db keeps its log over a restart, truncates it and deletes topics, and balances a group of range
assignment; the mock cluster has several brokers. Both are real on the wire: the client is the one that users have.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import confluent_kafka
import noida_db
from confluent_kafka.admin import AdminClient, NewTopic

_PROGRAM = Path(noida_db.__file__).with_name("noida-db")
_SECONDS = 20.0
# What makes the client quick to notice, where a person would not mind to wait.
QUICK = {"topic.metadata.refresh.interval.ms": "500", "reconnect.backoff.max.ms": "200", "session.timeout.ms": "6000"}

Headers = Sequence[tuple[str, bytes]]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Broker:
    """A noida-db of its own on a port of its own; `start` after `kill` finds the log that was."""

    data: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port, as a contract names it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        command = [str(_PROGRAM), "start", "--data-dir", str(self.data), "--only", "kafka", "--kafka-port"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen([*command, str(self.port)], stdin=quiet, stdout=quiet, stderr=quiet)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 0.2):
                    break
            except OSError:
                time.sleep(0.02)
        assert self.admin().list_topics(timeout=_SECONDS).cluster_id

    def stop(self) -> None:
        """Ends it when its log is written; killed at once it loses what it acknowledged last."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(_SECONDS)

    def kill(self) -> None:
        """Ends it at once."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def admin(self) -> AdminClient:
        """A client that makes and takes away topics."""
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def make(self, topic: str, partitions: int = 1) -> None:
        """Makes a topic."""
        admin = self.admin()
        for made in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            made.result(_SECONDS)

    def end(self, topic: str, partition: int = 0) -> int:
        """The offset after the last message; -1 where the topic is not known, or not yet again."""
        client = confluent_kafka.Consumer({"bootstrap.servers": self.address, "group.id": "end", "log_level": 0})
        try:
            return int(client.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition), timeout=5)[1])
        except confluent_kafka.KafkaException:
            return -1
        finally:
            client.close()

    def delete(self, topic: str) -> None:
        """Takes a topic away."""
        admin = self.admin()
        for gone in admin.delete_topics([topic]).values():
            gone.result(_SECONDS)

    def truncate(self, topic: str, partition: int, before: int) -> None:
        """Deletes the messages before an offset, as retention does."""
        admin = self.admin()
        wanted = [confluent_kafka.TopicPartition(topic, partition, before)]
        for done in admin.delete_records(wanted).values():
            done.result(_SECONDS)

    def send(
        self,
        topic: str,
        values: Iterable[bytes | str | None],
        *,
        partition: int = -1,
        headers: Headers = (),
        **options: Any,
    ) -> None:
        """Sends messages and waits until all are acknowledged."""
        send_to(self.address, topic, values, partition=partition, headers=headers, **options)

    def read(self, topic: str, count: int) -> list[confluent_kafka.Message]:
        """The first `count` messages of a topic, from the beginning."""
        return read_from(self.address, topic, count)


def send_to(
    address: str,
    topic: str,
    values: Iterable[bytes | str | None],
    *,
    partition: int = -1,
    headers: Headers = (),
    **options: Any,
) -> None:
    """Sends messages to any broker and waits until all are acknowledged."""
    failed = []
    settings = {"bootstrap.servers": address, "log_level": 0, "message.max.bytes": 100_000_000, **options}
    producer = confluent_kafka.Producer(settings)
    for value in values:
        text = value.encode() if isinstance(value, str) else value
        while True:
            try:
                producer.produce(
                    topic, text, partition=partition, headers=list(headers),
                    on_delivery=lambda error, _: failed.append(error) if error else None,
                )  # fmt: skip
                break
            except BufferError:
                producer.poll(0.05)
    assert producer.flush(_SECONDS) == 0
    assert failed == []


def read_from(address: str, topic: str, count: int) -> list[confluent_kafka.Message]:
    """The first `count` messages of a topic's partitions, from the beginning."""
    settings = {"bootstrap.servers": address, "group.id": f"reader-{time.monotonic_ns()}", "log_level": 0}
    consumer = confluent_kafka.Consumer(settings)
    partitions = consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
    start = confluent_kafka.OFFSET_BEGINNING
    consumer.assign([confluent_kafka.TopicPartition(topic, each, start) for each in partitions])
    found: list[confluent_kafka.Message] = []
    deadline = time.monotonic() + _SECONDS
    while len(found) < count and time.monotonic() < deadline:
        found += [each for each in consumer.consume(count - len(found), 0.2) if each.error() is None]
    consumer.close()
    return found


@contextmanager
def running(data: Path) -> Iterator[Broker]:
    """A broker that is there for a while."""
    broker = Broker(data)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@contextmanager
def mock_cluster(brokers: int = 3) -> Iterator[str]:
    """The addresses of librdkafka's own mock cluster, which lives as long as the client that was asked for it."""
    owner = confluent_kafka.Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": brokers, "log_level": 0})
    found = owner.list_topics(timeout=_SECONDS).brokers.values()
    yield ",".join(f"{each.host}:{each.port}" for each in found)
    owner.flush(_SECONDS)
