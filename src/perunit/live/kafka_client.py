"""Clients of Kafka made from the contract. Enters: a link. Leaves: settings, or why there can be no client."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter, Gauge

from perunit.model.errors import ConfigurationError, Fault, UsageError

if TYPE_CHECKING:
    from types import ModuleType

    from perunit.contract.shape import KafkaLink
    from perunit.live.meters import Meters

__all__ = ["LOG", "Errors", "KafkaMeters", "client_library", "made", "settings_of"]

LOG = logging.getLogger("perunit.kafka")
_SILENT_SECONDS = 60.0


def client_library() -> ModuleType:
    """The module confluent_kafka. Raises UsageError where it is not installed."""
    try:
        import confluent_kafka
    except ImportError as error:
        raise UsageError(
            "perunit.yaml has kafka links, which need confluent-kafka; pip install 'perunit[kafka]', "
            "or take the links away"
        ) from error
    return confluent_kafka


def settings_of(name: str, link: KafkaLink) -> dict[str, str]:
    """The settings the contract names, secrets read from the environment.

    Raises ConfigurationError naming every variable that is not set.
    """
    faults = [
        Fault("perunit.yaml", None, f"kafka.{name}.secrets.{setting}", repr(variable), "must be set in the environment",
              f"export {variable}")
        for setting, variable in link.secrets.items()
        if variable not in os.environ
    ]  # fmt: skip
    if faults:
        raise ConfigurationError(faults)
    secrets = {setting: os.environ[variable] for setting, variable in link.secrets.items()}
    # What the client would log it also tells as errors, which are logged here, each kind once in a while.
    quiet = {"log_level": "2", "client.id": "perunit"}
    return {**quiet, **link.options, **secrets, "bootstrap.servers": ",".join(link.brokers)}


def made(name: str, kind: Any, settings: dict[str, Any]) -> Any:
    """A client of `kind`. Raises ConfigurationError for a setting that librdkafka refuses."""
    library = client_library()
    try:
        return kind(settings)
    except (library.KafkaException, ValueError, TypeError) as error:
        told = error.args[0].str() if error.args and hasattr(error.args[0], "str") else str(error)
        mend = "correct it; the settings are those of librdkafka"
        fault = Fault(
            "perunit.yaml", None, f"kafka.{name}.options", "", f"must be settings of librdkafka ({told})", mend
        )
        raise ConfigurationError([fault]) from error


class Errors:
    """What a client tells of, such as a broker that is away, and mends by itself: counted, and logged once a minute."""

    def __init__(self, name: str, meters: KafkaMeters) -> None:
        self._name, self._meters = name, meters
        self._logged: dict[str, float] = {}

    def __call__(self, error: Any) -> None:
        """Takes in one error of the client."""
        kind, now = error.name(), time.monotonic()
        self._meters.errors.labels(self._name, kind).inc()
        if now - self._logged.get(kind, -_SILENT_SECONDS) >= _SILENT_SECONDS:
            self._logged[kind] = now
            LOG.warning("kafka.%s: %s (%s)", self._name, error.str(), kind)


class KafkaMeters:
    """What the links measure, in the registry of the process."""

    def __init__(self, meters: Meters) -> None:
        registry = meters.registry
        self.lag = Gauge(
            "perunit_kafka_lag", "Messages of a partition that are not committed yet.",
            ("link", "topic", "partition"), registry=registry,
        )  # fmt: skip
        self.messages = Counter(
            "perunit_kafka_messages", "Messages committed, dead letters among them.", ("link",), registry=registry
        )
        self.dead = Counter(
            "perunit_kafka_dead_letters", "Messages that gave no row and wait in quarantine.", ("link",),
            registry=registry,
        )  # fmt: skip
        self.errors = Counter(
            "perunit_kafka_errors", "Errors of the client, by name.", ("link", "error"), registry=registry
        )
        self.rebalances = Counter(
            "perunit_kafka_rebalances", "Times partitions were assigned anew.", ("link",), registry=registry
        )
        self.gaps = Counter(
            "perunit_kafka_gap_messages", "Offsets that were gone before they were read.", ("link", "topic"),
            registry=registry,
        )  # fmt: skip
        self.produced = Counter(
            "perunit_kafka_produced", "CloudEvents that brokers have acknowledged.", ("link",), registry=registry
        )
