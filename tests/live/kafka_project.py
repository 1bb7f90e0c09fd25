"""A project that reads Kafka, for tests: its contract, and the links running over its store."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.live.broker import QUICK

from perunit.live.intake import Intake
from perunit.live.kafka_client import KafkaMeters
from perunit.live.kafka_consumer import KafkaConsumer
from perunit.live.kafka_producer import KafkaProducer
from perunit.live.meters import Meters
from perunit.live.service import Service
from perunit.wiring import Opened, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from perunit.live.intake import Limits
    from perunit.live.kafka_consumer import ReadLimits

__all__ = ["Reading", "event", "project", "reading", "telling", "total", "until"]

_SECONDS = 30.0

CONTRACT = """\
version: 1
currency: USD
units:
  order: {owner: shop, key: order_id, segments: [plan]}
events:
  order.completed: {unit: order, outcome: success, amounts: {revenue: data.total}}
  order.failed: {unit: order, outcome: failure}
sources:
  lines:
    format: ndjson
    event:
      id: id
      time: at
      type: "'order.seen'"
      units: {order: order}
      amounts: {revenue: price}
  spans:
    format: otlp_spans
    match: name = 'checkout'
    event:
      id: trace_id || ':' || span_id
      time: start_time
      type: "'order.spanned'"
      units: {order: "attributes['order.id']"}
  others:
    format: otlp_spans
    match: name <> 'checkout'
    event:
      id: trace_id || ':' || span_id
      time: start_time
      type: "'order.other'"
      units: {order: "attributes['order.id']"}
"""


def project(
    folder: Path, address: str, *, topics: str = "orders", format_: str = "cloudevents", more: str = "", **options: str
) -> Path:
    """Writes a project with one link, `shop`; `more` are further lines of the link."""
    settings = json.dumps({**QUICK, **options})
    link = (
        f"kafka:\n  shop:\n    brokers: {json.dumps(address.split(','))}\n    topics: {json.dumps(topics.split())}\n"
        f"    group: {folder.name}\n    format: {format_}\n    options: {settings}\n{more}"
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "perunit.yaml").write_text(CONTRACT + link, encoding="utf-8")
    return folder


def event(number: int, total: str = "1.25", **changed: Any) -> str:
    """A CloudEvent as JSON text."""
    sent = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "shop",
        "type": "order.completed",
        "time": f"2026-09-{1 + number // 86_400:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        "data": {"order_id": f"o{number}", "plan": "pro" if number % 3 else "free", "total": total},
    }
    return json.dumps({**sent, **changed})


@dataclass(frozen=True)
class Reading:
    """A running link and its store."""

    opened: Opened
    service: Service
    consumer: KafkaConsumer | None

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A question to the store, in its turn."""
        return self.service.intake.run(lambda engine: engine.rows(sql)).result(_SECONDS)

    def events(self) -> int:
        """How many events are accepted."""
        return int(self.rows("SELECT count(*) FROM events")[0][0])

    def offsets(self) -> dict[tuple[str, int], int]:
        """Where the store stands."""
        found = self.rows("SELECT topic, partition, next_offset FROM kafka_offsets")
        return {(topic, partition): offset for topic, partition, offset in found}

    def metric(self, name: str, **labels: str) -> float | None:
        """A metric of the process."""
        return self.service.meters.registry.get_sample_value(name, labels)


@contextmanager
def reading(folder: Path, *, limits: Limits | None = None, read_limits: ReadLimits | None = None) -> Iterator[Reading]:
    """The project's store with its link running; stopped in good order at the end."""
    with opened(folder, purpose="serve") as found:
        meters = Meters()
        intake = Intake(found.project, found.engine, found.clock, limits=limits, meters=meters)
        service = Service(found.project, intake, found.clock, meters)
        consumer = KafkaConsumer("shop", found.contract.kafka["shop"], service, KafkaMeters(meters), read_limits)
        consumer.start()
        try:
            yield Reading(found, service, consumer)
        finally:
            consumer.stop()
            intake.close()


@contextmanager
def telling(folder: Path) -> Iterator[Reading]:
    """The project's store with its link telling others, and nothing read."""
    with opened(folder, purpose="serve") as found:
        meters = Meters()
        intake = Intake(found.project, found.engine, found.clock, meters=meters)
        service = Service(found.project, intake, found.clock, meters)
        producer = KafkaProducer("shop", found.contract.kafka["shop"], service, KafkaMeters(meters), seconds=0.05)
        producer.start()
        try:
            yield Reading(found, service, None)
        finally:
            producer.stop()
            intake.close()


def until(condition: Callable[[], bool], seconds: float = _SECONDS) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def total(folder: Path) -> list[tuple[Any, ...]]:
    """What a store says of its events, opened by itself."""
    with opened(folder, purpose="query") as found:
        return found.engine.rows("SELECT count(*), count(DISTINCT id), sum(revenue) FROM events")
