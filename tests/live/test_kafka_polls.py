"""However messages are cut into polls, and whenever partitions change hands, the facts are the same."""

# ruff: noqa: D102 - the methods are those of the client, and do what its own do

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import confluent_kafka
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.live.kafka_project import event, project, until

from perunit.live.intake import Intake
from perunit.live.kafka_client import KafkaMeters
from perunit.live.kafka_consumer import ReadLimits, _Reader
from perunit.live.meters import Meters
from perunit.live.service import Service
from perunit.wiring import Opened, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from perunit.engine.duckdb import Engine

PARTITIONS = 2
VALUES = st.one_of(
    st.integers(0, 12).map(event),
    st.integers(0, 12).map(lambda number: event(number, total="7.77")),
    st.sampled_from([None, "{oh", "[1]"]),
)
LOGS = st.lists(st.lists(VALUES, max_size=14), min_size=PARTITIONS, max_size=PARTITIONS)
# What one call of the client does: gives up to so many messages, or takes all partitions back and gives them again.
STEPS = st.lists(st.integers(1, 6) | st.just("rebalance"), max_size=10)


@dataclass(frozen=True)
class Sent:
    """A message as the client gives it."""

    log: str
    number: int
    at: int
    text: str | None

    def error(self) -> None:
        return None

    def topic(self) -> str:
        return self.log

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def value(self) -> bytes | None:
        return None if self.text is None else self.text.encode()

    def headers(self) -> None:
        return None


@dataclass
class Client:
    """A consumer whose polls are told beforehand; when they are over it gives all there is."""

    name: str
    logs: list[list[str | None]]
    steps: list[Any]
    places: dict[int, int] = field(default_factory=dict)
    joined: bool = False

    def subscribe(self, topics: list[str], **callbacks: Callable[..., None]) -> None:
        self.callbacks = callbacks

    def consume(self, count: int, seconds: float) -> list[Sent]:
        step = self.steps.pop(0) if self.steps else count
        if not self.joined or step == "rebalance":
            every = [confluent_kafka.TopicPartition(self.name, number) for number in range(PARTITIONS)]
            # A message that had been fetched before, as the client may give it beside the callbacks.
            stale = self._next(1) if self.joined else []
            if self.joined:
                self.callbacks["on_revoke"](self, every)
            self.joined = True
            self.callbacks["on_assign"](self, every)
            return stale
        return self._next(min(step, count))

    def _next(self, count: int) -> list[Sent]:
        found = []
        for number, place in sorted(self.places.items()):
            log = self.logs[number][place : place + count - len(found)]
            found += [Sent(self.name, number, place + each, text) for each, text in enumerate(log)]
            self.places[number] = place + len(log)
        return found

    def assign(self, partitions: Sequence[Any]) -> None:
        self.places = {each.partition: each.offset for each in partitions}

    def get_watermark_offsets(self, partition: Any, **_: Any) -> tuple[int, int]:
        return 0, len(self.logs[partition.partition])

    def list_topics(self, **_: Any) -> Any:
        class Cluster:
            cluster_id = "c1"

        return Cluster

    def committed(self, partitions: Sequence[Any], **_: Any) -> Sequence[Any]:
        return partitions

    def commit(self, **_: Any) -> None:
        return None

    def pause(self, _: Any) -> None:
        return None

    resume = pause

    def close(self) -> None:
        return None


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """One store for all examples, each of which has a link, a topic and events of its own."""
    with opened(project(tmp_path_factory.mktemp("polls"), "localhost:9092"), purpose="test") as found:
        yield found


RUNS = itertools.count()


def read(store: Opened, logs: list[list[str | None]], steps: list[Any]) -> list[list[tuple[Any, ...]]]:
    """What a store says after a link has read these logs by these steps; what is the run's own is left out of it."""
    run = f"r{next(RUNS)}"
    own = [
        [None if text is None else text.replace('"id": "e', f'"id": "{run}p{number}e') for text in log]
        for number, log in enumerate(logs)
    ]
    meters = Meters()
    intake = Intake(store.project, store.engine, store.clock, meters=meters)
    service = Service(store.project, intake, store.clock, meters)
    client = Client(run, own, list(steps))
    reader = _Reader(run, store.contract.kafka["shop"], service, KafkaMeters(meters), ReadLimits(), client)
    stopping = threading.Event()
    thread = threading.Thread(target=reader.run, args=(stopping,))
    thread.start()
    ends = [(number, len(log)) for number, log in enumerate(logs)]
    stands = f"SELECT partition, next_offset FROM kafka_offsets WHERE link = '{run}' ORDER BY partition"
    until(lambda: not client.steps and intake.run(lambda engine: engine.rows(stands)).result(30) == ends)
    stopping.set()
    thread.join()
    said = intake.run(lambda engine: _said(engine, run)).result(30)
    intake.close()
    return said


def _said(engine: Engine, run: str) -> list[list[tuple[Any, ...]]]:
    own = f"replace(id, '{run}', '')"
    return [
        engine.rows(f"SELECT {own} AS id, revenue FROM events WHERE id LIKE '{run}p%' ORDER BY id"),
        engine.rows(f"SELECT {own} AS id, count(*) FROM duplicates WHERE id LIKE '{run}p%' GROUP BY ALL ORDER BY id"),
        engine.rows(
            f"SELECT replace(file_name, '{run}', ''), \"position\", rule FROM quarantine "
            f"WHERE file_name LIKE '{run}[%' ORDER BY ALL"
        ),
        engine.rows(
            "SELECT sum(received), sum(accepted), sum(duplicate), sum(conflict), sum(rejected) FROM batches "
            f"WHERE file_name = 'kafka:{run}'"
        ),
    ]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs=LOGS, steps=STEPS)
def test_any_cutting_of_polls_gives_the_same_facts(
    store: Opened, logs: list[list[str | None]], steps: list[Any]
) -> None:
    """Each message is received once, and where it stands in quarantine is its own offset. Each partition has events of
    its own, because which of two contradicting deliveries came first is not settled between partitions.
    """
    assert read(store, logs, steps) == read(store, logs, [])
