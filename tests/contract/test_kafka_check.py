"""Links to Kafka: each wrong line is one fault with place, line, rule and mend; no credential stands in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perunit.contract.kafka_check import start_of
from perunit.contract.read import faults, read_project

Write = Callable[..., Path]

BASE = """\
version: 1
units:
  order: {owner: checkout, key: order_id, segments: [plan]}
events:
  order.completed: {unit: order, amounts: {revenue: data.total}}
meters: {cpu_seconds: {unit: s}}
sources:
  lines: {format: ndjson, event: {id: id, time: t, type: "'order.seen'", units: {order: o}}}
  sheet: {format: csv, event: {time: t, type: "'order.seen'", units: {order: o}}}
kafka:
  shop:
"""
SOUND = """\
    brokers: [kafka-1:9092, "[::1]:9092"]
    topics: [orders, "^payments[.].*"]
    group: perunit-shop
    format: cloudevents
    start: 2026-09-01T00:00:00Z
    options: {security.protocol: SASL_SSL, enable.ssl.certificate.verification: true, fetch.wait.max.ms: 50}
    secrets: {sasl.password: KAFKA_PASSWORD}
    produce: {topic: unit-impact, unit: order, by: [plan], grain: hour, measures: [revenue, cpu_seconds_per_unit]}
"""


def test_a_sound_link_is_read_whole(project: Write) -> None:
    """Settings keep the text librdkafka takes, one broker or topic may stand without brackets."""
    link = read_project(project(BASE + SOUND)).contract.kafka["shop"]
    assert link.brokers == ("kafka-1:9092", "[::1]:9092")
    assert link.options == {
        "security.protocol": "SASL_SSL",
        "enable.ssl.certificate.verification": "true",
        "fetch.wait.max.ms": "50",
    }
    one = "    brokers: localhost:9092\n    topics: orders\n    group: g\n    format: lines\n"
    link = read_project(project(BASE + one)).contract.kafka["shop"]
    assert (link.brokers, link.topics, link.start) == (("localhost:9092",), ("orders",), "earliest")


def test_a_link_may_only_tell(project: Write) -> None:
    """Without topics nothing is read, and group and format are not asked for."""
    told = "    brokers: localhost:9092\n    produce: {topic: impact, measures: [revenue]}\n"
    assert read_project(project(BASE + told)).contract.kafka["shop"].topics == ()


# (what is replaced, by what, place, line, rule, part of the mend)
CASES = [
    ("kafka-1:9092", "kafka-1", "brokers.1", 12, "must be host:port", "kafka-1:9092"),
    ("[orders, ", "['or ders', ", "topics.1", 13, "must be letters, digits and . _ - (at most 249)", "with ^"),
    ("^payments[.].*", "^payments[.", "topics.2", 13, "must be a regular expression after ^", "correct it"),
    ("    group: perunit-shop\n", "", "group", 11, "must be given where topics are read", "add group"),
    ("    format: cloudevents\n", "", "format", 11, "must be given where topics are read", "add format"),
    ("format: cloudevents", "format: cloudevent", "format", 15, "must be cloudevents, otlp_spans", "cloudevents?"),
    ("format: cloudevents", "format: sheet", "format", 15, "must be a source whose format is ndjson", "correct"),
    ("format: cloudevents", "format: otlp_logs", "format", 15, "must be mapped, and no source", "format: otlp_logs"),
    ("2026-09-01T00:00:00Z", "earlist", "start", 16, "must be earliest, latest or a time", "earliest?"),
    ("security.protocol: SASL_SSL", "group.id: x", "options.group.id", 17, "must be left to perunit", "as group"),
    (
        "security.protocol: SASL_SSL",
        "ssl.key.password: hunter2",
        "options.ssl.key.password",
        17,
        "must not stand in the file",
        "under secrets",
    ),
    ("fetch.wait.max.ms", "Fetch.Wait", "options.Fetch.Wait", 17, "must be a setting of librdkafka", ""),
    ("KAFKA_PASSWORD", "hunter-2", "secrets.sasl.password", 18, "must be the name of an environment variable", ""),
    ("topic: unit-impact", "topic: ^all", "produce.topic", 19, "must be letters, digits", "correct it"),
    ("unit: order", "unit: oder", "produce.unit", 19, "must be a unit type", "order?"),
    ("by: [plan]", "by: [plam]", "produce.by.1", 19, "must be a segment", "plan?"),
    ("grain: hour", "grain: week", "produce.grain", 19, "must be 'minute', 'hour' or 'day'", ""),
    ("[revenue, ", "[revenu, ", "produce.measures.1", 19, "must be a measure", "revenue?"),
]


@pytest.mark.parametrize(("old", "new", "place", "line", "rule", "mend"), CASES, ids=[case[2] for case in CASES])
def test_each_wrong_line_is_one_fault(
    project: Write, old: str, new: str, place: str, line: int, rule: str, mend: str
) -> None:
    """The fault names the place below the link, its line, the rule and the mend, and nothing else is complained of."""
    assert old in SOUND
    found, _ = faults(project(BASE + SOUND.replace(old, new)))
    assert [fault.place for fault in found] == [f"kafka.shop.{place}"], [str(fault) for fault in found]
    assert found[0].line == line
    assert rule in found[0].rule
    assert mend in found[0].mend


def test_a_secret_written_out_is_not_repeated(project: Write) -> None:
    """A password in the file is refused without being shown."""
    for wrong in (
        SOUND.replace("KAFKA_PASSWORD", "hunter-2"),
        SOUND.replace("security.protocol: SASL_SSL", "ssl.key.password: hunter-2"),
    ):
        found, _ = faults(project(BASE + wrong))
        assert len(found) == 1
        assert "hunter-2" not in str(found[0])


def test_start_is_a_word_or_an_instant() -> None:
    """Anything else is refused."""
    assert start_of("latest") == "latest"
    assert str(start_of("2026-09-01")) == "2026-09-01 00:00:00+00:00"
    with pytest.raises(ValueError, match="Invalid isoformat"):
        start_of("soon")
