"""Reads topics as a consumer group. Enters: messages. Leaves: arrivals, and in their transaction how far was read.

The store's own offsets say where a partition goes on; what the brokers are told of them afterwards is for tools that
show lag. One batch is in flight at a time, and the next one is read meanwhile: offsets move only from where the batch
began, after everything in it, so a message is never passed over and, by the store's key of (source, id), never counted
twice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from perunit.contract.kafka_check import OTLP_FORMATS, start_of
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.kafka import Message, Read, joined, read_messages
from perunit.facts.kafka import Offsets, Partition, keep_dead_letters, name_places
from perunit.live.intake import ClosedError, OverloadedError
from perunit.live.kafka_client import LOG, Errors, KafkaMeters, client_library, made, settings_of
from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perunit.contract.shape import KafkaLink
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service

__all__ = ["KafkaConsumer", "ReadLimits"]

_POLL_SECONDS = 0.05
_ASK_SECONDS = 10.0
_HANDOVER_SECONDS = 20.0
_WAIT_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much of a link is held in memory before it is committed: one batch in flight and one that fills."""

    batch_bytes: int = 8 << 20
    poll_messages: int = 5_000


class KafkaConsumer:
    """The consumer of one link, on a thread of its own between `start` and `stop`."""

    def __init__(
        self, name: str, link: KafkaLink, service: Service, meters: KafkaMeters, limits: ReadLimits | None = None
    ) -> None:
        self._name, self._link, self._service, self._meters = name, link, service, meters
        self._limits = limits or ReadLimits()
        self._errors = Errors(name, meters)
        self._stopping = threading.Event()
        self._reader: _Reader | None = None
        self._thread = threading.Thread(target=self._run, name=f"perunit-kafka-{name}", daemon=True)

    def start(self) -> None:
        """Begins to read. Raises UsageError without the client's library, ConfigurationError for wrong settings."""
        self._client().close()
        self._thread.start()

    def stop(self) -> None:
        """Ends when what was handed to the intake is committed, and leaves the group."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _client(self) -> Any:
        settings: dict[str, Any] = {
            "queued.max.messages.kbytes": "16384",
            # A topic that a broker does not know yet after its restart is asked for again then, not after 5 minutes.
            "topic.metadata.refresh.interval.ms": "5000",
            **settings_of(self._name, self._link),
            "group.id": self._link.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # Where an offset is gone is decided here, where it can be told, and not by the client.
            "auto.offset.reset": "error",
            "partition.assignment.strategy": "range",
            "error_cb": self._errors,
            "logger": LOG,
        }
        return made(self._name, client_library().Consumer, settings)

    def _run(self) -> None:
        """Reads until it is stopped; after an error it joins the group again and goes on where the store stands."""
        failures = 0
        while not self._stopping.is_set():
            reader = _Reader(self._name, self._link, self._service, self._meters, self._limits, self._client())
            self._reader = reader
            try:
                reader.run(self._stopping)
            except _GoneError:
                continue
            except ClosedError:
                return
            except Exception as error:  # noqa: BLE001 - told, and tried again
                failures = 0 if reader.has_committed else failures + 1
                seconds = min(2.0**failures, _WAIT_SECONDS_MAX)
                self._meters.errors.labels(self._name, type(error).__name__).inc()
                told = (PerunitError, client_library().KafkaException)
                LOG.error(
                    "kafka.%s: could not go on (%s); joins again in %g s",
                    *(self._name, error, seconds),
                    exc_info=not isinstance(error, told),
                )
                self._stopping.wait(seconds)


class _GoneError(Exception):
    """A partition's next offset is not there any more; joining again finds out what is."""


@dataclass(slots=True)
class _Batch:
    """What was read and not handed over: rows, and how far each partition moves, (from, to)."""

    parts: list[Read] = field(default_factory=list)
    moves: dict[Partition, tuple[int, int]] = field(default_factory=dict)
    messages: int = 0
    bytes: int = 0


class _Reader:
    """One membership in the group, from joining to leaving."""

    def __init__(
        self, name: str, link: KafkaLink, service: Service, meters: KafkaMeters, limits: ReadLimits, consumer: Any
    ) -> None:
        self._name, self._link, self._meters, self._limits = name, link, meters, limits
        self._intake, self._clock = service.intake, service.clock
        contract = service.project.contract
        self._format = "ndjson" if link.format in contract.sources else str(link.format)
        self._consumer = consumer
        self._library = client_library()
        self._cluster_id: str | None = None
        self._positions: dict[Partition, int] = {}
        self._assigned: list[Partition] | None = None
        self._batch = _Batch()
        self._in_flight: _Batch | None = None
        self._steps: deque[Callable[[], Future[Any]]] = deque()
        self._future: Future[Any] | None = None
        self._retry_at = 0.0
        self._paused = self._gone = False
        self.has_committed = False

    def run(self, stopping: threading.Event) -> None:
        """Reads until told to stop. Raises whatever stands in the way; nothing is lost by it."""
        self._consumer.subscribe(
            list(self._link.topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        try:
            while not stopping.is_set():
                self._turn()
            self._settle(_HANDOVER_SECONDS)
        finally:
            self._consumer.close()

    def _turn(self) -> None:
        if self._assigned is not None:
            self._begin(self._assigned)
        self._settle()
        if self._in_flight is None and self._batch.messages:
            self._launch()
        self._hand_over()
        if self._gone and self._in_flight is None and not self._batch.messages:
            raise _GoneError
        full = self._gone or self._batch.bytes >= self._limits.batch_bytes
        self._pause(full)
        self._take(self._consumer.consume(1 if full else self._room(), _POLL_SECONDS))

    def _room(self) -> int:
        """How many more messages of the size of those so far go into the batch."""
        average = self._batch.bytes // self._batch.messages if self._batch.messages else 1_024
        room = (self._limits.batch_bytes - self._batch.bytes) // max(1, average)
        return max(1, min(self._limits.poll_messages, room))

    def _pause(self, full: bool) -> None:
        if full != self._paused:
            partitions = [self._library.TopicPartition(*key) for key in self._positions]
            (self._consumer.pause if full else self._consumer.resume)(partitions)
            self._paused = full

    # What comes

    def _take(self, messages: Sequence[Any]) -> None:
        """Adds messages to the batch, each partition's in their order."""
        taken = []
        for message in messages:
            if message.error() is not None:
                self._heed(message)
                continue
            key, offset, value = (message.topic(), message.partition()), message.offset(), message.value()
            if key not in self._positions or offset < self._positions[key]:
                # From before the partition was taken back, or given again.
                continue
            taken.append(Message(*key, offset, value, message.headers() or ()))
            start = self._batch.moves.get(key, (self._positions[key], 0))[0]
            self._batch.moves[key] = (start, offset + 1)
            self._positions[key] = offset + 1
            self._batch.bytes += len(value or b"")
        if taken:
            self._batch.parts.append(read_messages(self._format, taken))
            self._batch.messages += len(taken)

    def _heed(self, message: Any) -> None:
        """An error about one topic or partition: the others are read on."""
        error = message.error()
        self._meters.errors.labels(self._name, error.name()).inc()
        if error.code() == self._library.KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - the name it has
            self._gone = True
        elif error.fatal():
            raise self._library.KafkaException(error)
        LOG.warning("kafka.%s: %s[%s]: %s", self._name, message.topic(), message.partition(), error.str())

    # What goes to the intake

    def _launch(self) -> None:
        """Makes the batch ready to be handed over: an arrival for each source, the offsets with the last of them."""
        batch, self._batch = self._batch, _Batch()
        read = joined(batch.parts)
        named = partial(name_places, places=read.places)
        sources, offsets, letters = self._sources(), self._offsets(), read.dead

        def ended(engine: Engine) -> None:
            keep_dead_letters(engine, self._intake.project, sources[0], self._door, self._clock(), letters)
            offsets.advance(engine, batch.moves)

        def ended_with_rows(engine: Engine) -> None:
            named(engine)
            ended(engine)

        self._in_flight = batch
        if not read.rows.num_rows:
            self._steps.append(partial(self._intake.run, _alone(ended)))
            return
        for source in sources[:-1]:
            self._steps.append(partial(self._intake.submit, Arrival(source, read.rows, self._door, within=named)))
        last = Arrival(sources[-1], read.rows, self._door, within=ended_with_rows)
        self._steps.append(partial(self._intake.submit, last))

    def _hand_over(self) -> None:
        """The next step of what is in flight; where the intake is full it is tried again when it says so."""
        if self._future is not None or not self._steps or time.monotonic() < self._retry_at:
            return
        try:
            self._future = self._steps[0]()
        except OverloadedError as full:
            self._retry_at = time.monotonic() + full.retry_after_seconds
        else:
            self._steps.popleft()

    def _settle(self, seconds: float = 0.0) -> None:
        """Notes what was committed, and tells the brokers. Raises what kept it from being so."""
        if (batch := self._committed(seconds)) is not None:
            self._tell_brokers({key: end for key, (_, end) in batch.moves.items()})

    def _committed(self, seconds: float) -> _Batch | None:
        """The batch in flight, once all of it is committed."""
        if self._future is None or not wait([self._future], seconds).done:
            return None
        future, self._future = self._future, None
        future.result()
        if self._steps or self._in_flight is None:
            return None
        batch, self._in_flight = self._in_flight, None
        self.has_committed = True
        self._meters.messages.labels(self._name).inc(batch.messages)
        self._meters.dead.labels(self._name).inc(sum(len(part.dead) for part in batch.parts))
        return batch

    def _tell_brokers(self, ends: dict[Partition, int]) -> None:
        """Commits to the brokers for tools that show lag; the store's offsets are the ones that count."""
        offsets = [self._library.TopicPartition(*key, end) for key, end in ends.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except self._library.KafkaException as error:
            self._meters.errors.labels(self._name, error.args[0].name()).inc()
        for each in offsets:
            _, high = self._consumer.get_watermark_offsets(each, cached=True)
            if high >= 0:
                labels = (self._name, each.topic, str(each.partition))
                self._meters.lag.labels(*labels).set(max(0, high - each.offset))

    # What is assigned. The client must not be asked for anything within its callbacks: a call that ends there leaves
    # it without what its next callback needs, and the process is aborted. So a callback only notes what is to be done.

    def _on_assign(self, consumer: Any, partitions: Sequence[Any]) -> None:
        self._meters.rebalances.labels(self._name).inc()
        self._assigned = [(each.topic, each.partition) for each in partitions]
        consumer.assign([])

    def _begin(self, partitions: list[Partition]) -> None:
        """Begins each partition where the store stands, and tells what is not there any more."""
        offsets = self._offsets()
        stored = self._intake.run(offsets.stored).result()
        self._positions = {key: self._beginning(key, stored) for key in partitions}
        if changed := {key: offset for key, offset in self._positions.items() if stored.get(key) != offset}:
            self._intake.run(_alone(partial(offsets.put, offsets=changed))).result()
        self._compare_with_brokers()
        self._assigned = None
        self._assign(self._positions)
        LOG.info("kafka.%s: partitions to read: %d", self._name, len(self._positions))

    def _assign(self, positions: dict[Partition, int]) -> None:
        self._paused = False
        self._consumer.assign([self._library.TopicPartition(*key, offset) for key, offset in positions.items()])

    def _beginning(self, key: Partition, stored: dict[Partition, int]) -> int:
        """The offset to read a partition from."""
        partition = self._library.TopicPartition(*key)
        low, high = self._consumer.get_watermark_offsets(partition, timeout=_ASK_SECONDS)
        if key in stored:
            return stored[key] if low <= stored[key] <= high else self._after_gap(key, stored[key], low, high)
        if any(topic == partition.topic for topic, _ in stored):
            # It was added to a topic that is read already: everything in it is new.
            return int(low)
        start = start_of(str(self._link.start))
        if isinstance(start, datetime):
            partition.offset = int(start.timestamp() * 1_000)
            found = self._consumer.offsets_for_times([partition], timeout=_ASK_SECONDS)[0].offset
            return int(found) if found >= 0 else int(high)
        return int(low if start == "earliest" else high)

    def _after_gap(self, key: Partition, offset: int, low: int, high: int) -> int:
        """The oldest message there is, whatever `start` says: what was missed is told, and not made more."""
        missed = max(0, low - offset)
        reason = "were deleted before they were read" if missed else f"is gone: it ends at {high}, so it was made anew"
        what = f"offsets {offset} to {low - 1}" if missed else f"offset {offset}"
        LOG.error("kafka.%s: %s[%d]: %s %s; goes on at %d", *(self._name, *key, what, reason, low))
        self._meters.gaps.labels(self._name, key[0]).inc(missed)
        return low

    def _compare_with_brokers(self) -> None:
        """Warns where the group has been further than the store: it is shared, or the store is from a backup."""
        asked = [self._library.TopicPartition(*key) for key in self._positions]
        behind = {}
        for each in self._consumer.committed(asked, timeout=_ASK_SECONDS):
            here = self._positions[each.topic, each.partition]
            if each.offset < here:
                behind[each.topic, each.partition] = here
            elif each.offset > here:
                LOG.warning(
                    "kafka.%s: %s[%d]: group %s has been at %d, the store stands at %d and reads from there; "
                    "give every project a group of its own",
                    *(self._name, each.topic, each.partition, self._link.group, each.offset, here),
                )
        if behind:
            self._tell_brokers(behind)

    def _on_revoke(self, _: Any, __: Sequence[Any]) -> None:
        """Waits for what is in flight, so that who reads the partitions next begins after it; drops the rest."""
        if not self._steps:
            try:
                self._committed(_HANDOVER_SECONDS)
            except Exception as error:  # noqa: BLE001 - what was not committed is read again
                LOG.warning("kafka.%s: not committed before partitions were given up: %s", self._name, error)
        self._forget()

    def _on_lost(self, _: Any, __: Sequence[Any]) -> None:
        """Others have the partitions already; what is in flight is still this store's own."""
        self._forget()

    def _forget(self) -> None:
        for topic, number in self._positions:
            self._meters.lag.remove(self._name, topic, str(number))
        self._positions, self._batch, self._in_flight = {}, _Batch(), None
        self._future = self._assigned = None
        self._steps.clear()

    def _offsets(self) -> Offsets:
        if self._cluster_id is None:
            self._cluster_id = self._consumer.list_topics(timeout=_ASK_SECONDS).cluster_id or ""
        return Offsets(self._name, self._cluster_id)

    def _sources(self) -> tuple[str, ...]:
        """The sources that see every message: the one that is named, or all of an OTLP format."""
        named = str(self._link.format)
        if named not in OTLP_FORMATS:
            return (named,)
        every = self._intake.project.contract.sources
        return tuple(name for name, source in every.items() if source.format == named) or (named,)

    @property
    def _door(self) -> str:
        return f"kafka:{self._name}"


def _alone(work: Callable[[Engine], None]) -> Callable[[Engine], None]:
    """`work` as a job: in a transaction of its own."""

    def job(engine: Engine) -> None:
        with engine.transaction():
            work(engine)

    return job
