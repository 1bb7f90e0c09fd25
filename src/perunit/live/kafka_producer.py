"""Tells others what units earn and cost. Enters: facts that were committed. Leaves: a CloudEvent a window and segment.

The numbers come from the one query builder, over the store as it stands when all that was committed is summed. The id
of an event is made of what it says, so that one which is sent again, after a crash for instance, is known again.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perunit.facts.kafka import newest_batch, told_through, touched_windows
from perunit.live.intake import ClosedError
from perunit.live.kafka_client import LOG, Errors, KafkaMeters, client_library, made, settings_of
from perunit.live.loan import Loan
from perunit.measures.periods import bucket_end
from perunit.measures.query import Query, run_query
from perunit.model.window import Grain, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.contract.shape import KafkaLink, KafkaProduce
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service
    from perunit.wiring import Opened

__all__ = ["KafkaProducer"]

_EVENT_TYPE = "perunit.unit.impact"
# How much time one query covers; a query by the minute may cover two days.
_SPAN = {"minute": timedelta(days=1), "hour": timedelta(days=31), "day": timedelta(days=366)}
_DELIVERY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Impact:
    """One event: its key is the segment."""

    key: str
    event: dict[str, Any]


class KafkaProducer:
    """Tells what one link asks for, on a thread of its own between `start` and `stop`."""

    def __init__(self, name: str, link: KafkaLink, service: Service, meters: KafkaMeters, seconds: float = 5.0) -> None:
        self._name, self._link, self._service, self._meters = name, link, service, meters
        self._seconds = seconds
        self._client: Any = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"perunit-kafka-{name}-tells", daemon=True)

    def start(self) -> None:
        """Begins to tell. Raises UsageError without the client's library, ConfigurationError for wrong settings."""
        settings: dict[str, Any] = {
            **settings_of(self._name, self._link),
            "enable.idempotence": True,
            "error_cb": Errors(self._name, self._meters),
            "logger": LOG,
        }
        self._client = made(self._name, client_library().Producer, settings)
        self._thread.start()

    def stop(self) -> None:
        """Ends; what was not acknowledged is told again at the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._tell()
            except ClosedError:
                return
            except Exception as error:  # noqa: BLE001 - told, and tried again
                self._meters.errors.labels(self._name, type(error).__name__).inc()
                LOG.warning("kafka.%s: could not tell of new figures (%s); tries again", self._name, error)

    def _tell(self) -> None:
        """Tells of every window that has new facts, and notes up to which batch, once brokers have all of it."""
        intake, produce = self._service.intake, self._link.produce
        assert produce is not None  # noqa: S101 - what it was made for
        told = intake.run(lambda engine: told_through(engine, self._name)).result()
        if intake.run(newest_batch).result() == told:
            return
        with Loan(self._service).lend(
            self._service.project.root, purpose="query", as_of=None, clock=self._service.clock
        ) as found:
            newest = newest_batch(found.engine)
            impacts = list(_impacts(found, self._name, produce, told))
        self._send(produce.topic, impacts)

        def note(engine: Engine) -> None:
            engine.execute(
                "INSERT OR REPLACE INTO kafka_told VALUES ($link, $batch_id)",
                {"link": self._name, "batch_id": newest},
            )

        intake.run(note).result()

    def _send(self, topic: str, impacts: list[_Impact]) -> None:
        """Sends events, and returns when all are acknowledged. Raises where one is not."""
        library, failed = client_library(), list[Any]()

        def delivered(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error)

        headers = [("content-type", b"application/cloudevents+json; charset=utf-8")]
        for impact in impacts:
            value = json.dumps(impact.event, ensure_ascii=False)
            while True:
                try:
                    self._client.produce(topic, value, impact.key, headers=headers, on_delivery=delivered)
                    break
                except BufferError:
                    self._client.poll(0.1)
        waiting = self._client.flush(_DELIVERY_SECONDS)
        if failed or waiting:
            self._client.purge()
            self._client.flush(_DELIVERY_SECONDS)
            raise library.KafkaException(failed[0] if failed else library.KafkaError(library.KafkaError._TIMED_OUT))  # noqa: SLF001
        self._meters.produced.labels(self._name).inc(len(impacts))


def _impacts(found: Opened, link: str, produce: KafkaProduce, told: int) -> Iterator[_Impact]:
    """The events of all windows that have facts of batches after `told`, oldest first."""
    grain = Grain(produce.grain)
    for windows in _spans(touched_windows(found.engine, told, produce.grain), _SPAN[produce.grain]):
        whole = Window(windows[0], bucket_end(windows[-1], grain))
        query = Query(produce.measures, produce.unit, produce.by, grain, whole)
        result = run_query(found.engine, found.contract, query)
        touched = set(windows)
        for row in result.as_json()["rows"]:
            if (start := datetime.fromisoformat(row[str(grain)])) in touched:
                yield _impact(link, result.unit, result.currency, produce, start, row)


def _spans(windows: list[datetime], span: timedelta) -> Iterator[list[datetime]]:
    """Windows in runs that begin within `span` of each other."""
    run: list[datetime] = []
    for window in windows:
        if run and window - run[0] >= span:
            yield run
            run = []
        run.append(window)
    if run:
        yield run


def _impact(
    link: str, unit: str, currency: str, produce: KafkaProduce, start: datetime, row: dict[str, Any]
) -> _Impact:
    segment = {dimension: row[dimension] for dimension in produce.by}
    key = ",".join(f"{name}={'' if value is None else value}" for name, value in segment.items())
    end = bucket_end(start, Grain(produce.grain))
    data = {
        "unit": unit,
        "start": _rfc3339(start),
        "end": _rfc3339(end),
        "segment": segment,
        "currency": currency,
        "measures": {measure: row[measure] for measure in produce.measures},
        "status": row["status"],
        "complete": row["complete"],
    }
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    event = {
        "specversion": "1.0",
        "id": digest[:40],
        "source": f"perunit/{link}",
        "type": _EVENT_TYPE,
        "time": _rfc3339(start),
        "subject": key or unit,
        "datacontenttype": "application/json",
        "data": data,
    }
    return _Impact(key, event)


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
