"""What a link to Kafka must say. Enters: the links of a contract. Leaves: faults.

Secrets never stand in the file: a setting that holds one is given as the name of an environment variable.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from perunit.contract.document import Path, did_you_mean, shown
from perunit.contract.findings import Findings, declared
from perunit.model.window import parse_instant

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.contract.shape import Contract, KafkaLink, KafkaProduce

__all__ = ["OTLP_FORMATS", "check_kafka", "measure_names", "start_of"]

OTLP_FORMATS = ("otlp_spans", "otlp_metrics", "otlp_logs")
_BROKER = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):[0-9]{1,5}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"(?:^|[._])(password|secret|pem|username|token|credentials)(?:$|[._])")
# What exactly-once rests on, and what would load code, is set here or not at all.
_OWN = {
    "bootstrap.servers": "write the brokers under brokers",
    "metadata.broker.list": "write the brokers under brokers",
    "group.id": "write it as group",
    "auto.offset.reset": "write it as start",
    "enable.auto.commit": "take it away; offsets are kept with the rows",
    "enable.auto.offset.store": "take it away; offsets are kept with the rows",
    "partition.assignment.strategy": "take it away; partitions are assigned by range",
    "enable.idempotence": "take it away; the producer is idempotent",
    "plugin.library.paths": "take it away; no code is loaded",
}


def start_of(text: str) -> str | datetime:
    """Where a topic is begun: ``earliest``, ``latest`` or an instant. Raises ValueError for anything else."""
    return text if text in {"earliest", "latest"} else parse_instant(text)


def check_kafka(contract: Contract, found: Findings) -> None:
    """Every link on its own, and the sources and measures it names."""
    for name, link in contract.kafka.items():
        path: Path = ("kafka", name)
        _check_brokers(path, link, found)
        _check_settings(path, link, found)
        _check_reading(path, link, contract, found)
        if link.produce is not None:
            _check_produce((*path, "produce"), link.produce, contract, found)
        if not link.topics and link.produce is None:
            found.fault((*path, "topics"), "must be given where nothing is produced", "name the topics", got="")


def _check_brokers(path: Path, link: KafkaLink, found: Findings) -> None:
    for at, broker in _each((*path, "brokers"), link.brokers, found):
        if not _BROKER.fullmatch(broker):
            found.fault(at, "must be host:port", "write for example kafka-1:9092", shown(broker))


def _each(path: Path, values: tuple[str, ...], found: Findings) -> list[tuple[Path, str]]:
    """Each value with its place, whether it was written as one or as a list."""
    one = isinstance(found.document.get(path), str)
    return [(path if one else (*path, index), value) for index, value in enumerate(values)]


def _check_settings(path: Path, link: KafkaLink, found: Findings) -> None:
    for part in ("options", "secrets"):
        for setting in getattr(link, part):
            if setting in _OWN:
                found.fault((*path, part, setting), "must be left to perunit", _OWN[setting], shown(setting))
    for setting in link.options:
        if _SECRET.search(setting) and not setting.endswith(".location"):
            rule = "must not stand in the file, which is no place for credentials"
            mend = f"name an environment variable under secrets: {{{setting}: KAFKA_PASSWORD}}"
            found.fault((*path, "options", setting), rule, mend, got="")
    for setting, variable in link.secrets.items():
        at = (*path, "secrets", setting)
        if not _VARIABLE.fullmatch(variable):
            # What stands there may be the secret itself: it is not repeated.
            found.fault(at, "must be the name of an environment variable", "write for example KAFKA_PASSWORD", got="")
        elif setting in link.options:
            found.fault(at, "must stand under options or secrets, not both", "take one away", shown(setting))


def _check_reading(path: Path, link: KafkaLink, contract: Contract, found: Findings) -> None:
    for at, topic in _each((*path, "topics"), link.topics, found):
        _check_topic(at, topic, found, pattern=True)
    for key in ("group", "format"):
        given = getattr(link, key) is not None
        if link.topics and not given and found.document.get((*path, key)) is None:
            found.fault((*path, key), "must be given where topics are read", f"add {key}", got="")
        elif given and not link.topics:
            found.fault((*path, key), "must be left out where no topics are read", "name the topics, or take it away")
    if link.format is not None:
        _check_format((*path, "format"), link.format, contract, found)
    try:
        start_of(link.start)
    except (ValueError, OverflowError):
        rule = "must be earliest, latest or a time"
        mend = did_you_mean(link.start, ("earliest", "latest"), "write for example 2026-09-01T00:00:00Z")
        found.fault((*path, "start"), rule, mend, shown(link.start))


def _check_topic(at: Path, topic: str, found: Findings, *, pattern: bool) -> None:
    if pattern and topic.startswith("^"):
        try:
            re.compile(topic)
        except re.error:
            found.fault(at, "must be a regular expression after ^", "correct it", shown(topic))
    elif not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        mend = "correct it" + (", or start a regular expression with ^" if pattern else "")
        found.fault(at, "must be letters, digits and . _ - (at most 249)", mend, shown(topic))


def _check_format(at: Path, format_: str, contract: Contract, found: Findings) -> None:
    if format_ == "cloudevents":
        if not contract.events:
            found.fault(at, "must be mapped, and the contract has no events", "add events, or name a source")
    elif format_ in OTLP_FORMATS:
        if not any(source.format == format_ for source in contract.sources.values()):
            mend = f"add a source with format: {format_}"
            found.fault(at, "must be mapped, and no source has this format", mend, shown(format_))
    elif found.known(
        at,
        format_,
        ("cloudevents", *OTLP_FORMATS, *declared(found, "sources")),
        f"cloudevents, {', '.join(OTLP_FORMATS)} or a source",
        "declare it under sources",
    ):
        source = contract.sources.get(format_)
        if source is not None and source.format != "ndjson":
            rule = "must be a source whose format is ndjson: a message is one JSON object"
            mend = f"write {source.format}" if source.format in OTLP_FORMATS else "correct the source's format"
            found.fault(at, rule, mend, shown(format_))


def _check_produce(path: Path, produce: KafkaProduce, contract: Contract, found: Findings) -> None:
    _check_topic((*path, "topic"), produce.topic, found, pattern=False)
    if produce.unit is not None:
        mend = "declare it under units"
        found.known((*path, "unit"), produce.unit, declared(found, "units"), "a unit type", mend)
    for index, dimension in enumerate(produce.by):
        mend = "map it as a segment of a source or event"
        found.known((*path, "by", index), dimension, contract.dimensions(), "a segment", mend)
    for index, measure in enumerate(produce.measures):
        mend = "see perunit measures"
        found.known((*path, "measures", index), measure, measure_names(contract), "a measure", mend)


def measure_names(contract: Contract) -> tuple[str, ...]:
    """The catalogue's measures and those of the contract's meters."""
    meters = contract.meter_names()
    return (*_measures(), *meters, *(f"{meter}_per_unit" for meter in meters))


@cache
def _measures() -> tuple[str, ...]:
    """The names of the catalogue. Read as the data it is: what a measure means is no concern of the contract."""
    text = files("perunit").joinpath("measures/catalogue.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text))
