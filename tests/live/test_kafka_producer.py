"""What is told back to Kafka: the numbers of `perunit query`, each under an id of its own, at least once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from tests.live.broker import Broker
from tests.live.kafka_project import Reading, event, project, telling, until

from perunit.facts.arrivals import Arrival
from perunit.live.kafka_producer import KafkaProducer
from perunit.measures.query import Query, run_query
from perunit.model.window import Grain, Window
from perunit.wiring import opened

if TYPE_CHECKING:
    from pathlib import Path

DAY = Window(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC))
MEASURES = ("units", "revenue", "revenue_per_unit", "success_rate")


def produce(topic: str, grain: str = "hour") -> str:
    """The lines of a contract that tell the measures by plan."""
    return f"    produce: {{topic: {topic}, by: [plan], grain: {grain}, measures: [{', '.join(MEASURES)}]}}\n"


def take_in(link: Reading, *lines: str) -> None:
    """Events come through another door."""
    rows = pa.table({"position": pa.array(range(len(lines)), pa.int64()), "line": pa.array(lines, pa.string())})
    link.service.intake.submit(Arrival("cloudevents", rows, "test")).result(30)


def told(broker: Broker, topic: str, count: int) -> list[dict[str, Any]]:
    """The events of a topic, as the CloudEvents SDK reads them; in the order of their keys and windows."""
    found = []
    for message in broker.read(topic, count):
        headers = dict(message.headers() or ())
        read = from_structured_event(KafkaMessage(headers, message.key(), message.value()))
        found.append({"id": read.get_id(), "key": message.key().decode(), **(read.get_data() or {})})
    assert len(found) == count
    return sorted(found, key=lambda each: (each["start"], each["key"]))


def asked(folder: Path, grain: Grain) -> list[dict[str, Any]]:
    """What `perunit query` says of the same windows and segments."""
    with opened(folder, purpose="query") as found:
        result = run_query(found.engine, found.contract, Query(MEASURES, None, ("plan",), grain, DAY))
        return result.as_json()["rows"]


@pytest.mark.parametrize("grain", [Grain.MINUTE, Grain.HOUR, Grain.DAY])
def test_what_is_told_is_what_a_query_says(broker: Broker, tmp_path: Path, grain: Grain) -> None:
    """One CloudEvent a window and segment, keyed by segment, its figures those of the query builder to the digit."""
    topic = f"impact-{grain}"
    broker.make(topic)
    folder = project(tmp_path / topic, broker.address, more=produce(topic, grain))
    with telling(folder) as link:
        take_in(link, *(event(600 * number, total="1.10") for number in range(20)), event(7, type="order.failed"))
        until(lambda: link.metric("perunit_kafka_produced_total", link="shop") is not None)
        until(lambda: link.rows("SELECT batch_id FROM kafka_told") == [(1,)])
    rows = asked(folder, grain)
    found = told(broker, topic, len(rows))
    expected = {
        (row[str(grain)].replace("+00:00", "Z"), row["plan"]): {name: row[name] for name in MEASURES} for row in rows
    }
    assert {(each["start"], each["segment"]["plan"]): each["measures"] for each in found} == expected
    assert {each["key"] for each in found} == {"plan=free", "plan=pro"}
    assert len({each["id"] for each in found}) == len(found)


def test_later_facts_tell_of_their_windows_and_no_others(broker: Broker, tmp_path: Path) -> None:
    """A window with new facts is told anew under another id; what did not change is not told again, nor at a start."""
    broker.make("later")
    folder = project(tmp_path / "later", broker.address, more=produce("later"))
    with telling(folder) as link:
        take_in(link, event(1), event(3_601))
        until(lambda: link.rows("SELECT batch_id FROM kafka_told") == [(1,)])
        take_in(link, event(4))
        until(lambda: link.rows("SELECT batch_id FROM kafka_told") == [(2,)])
    with telling(folder) as link:
        take_in(link, event(7_201))
        until(lambda: link.rows("SELECT batch_id FROM kafka_told") == [(3,)])
    found = told(broker, "later", 4)
    assert [(each["start"][11:16], each["measures"]["units"]) for each in found] == [
        ("00:00", 1),
        ("00:00", 2),
        ("01:00", 1),
        ("02:00", 1),
    ]
    assert len({each["id"] for each in found}) == 4


def test_what_may_not_have_arrived_is_sent_again_under_its_id(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it ends after sending and before noting so, the same figures are sent again, told apart by nothing."""
    broker.make("resent")
    folder = project(tmp_path / "resent", broker.address, more=produce("resent"))
    sent = KafkaProducer._send
    failing = [True]

    def sent_then_failing(self: KafkaProducer, topic: str, impacts: Any) -> None:
        sent(self, topic, impacts)
        if failing:
            failing.pop()
            raise OSError("gone")

    monkeypatch.setattr(KafkaProducer, "_send", sent_then_failing)
    with telling(folder) as link:
        take_in(link, event(1), event(3))
        until(lambda: link.rows("SELECT batch_id FROM kafka_told") == [(1,)])
        assert link.metric("perunit_kafka_errors_total", link="shop", error="OSError") == 1
    found = told(broker, "resent", 4)
    assert [each["key"] for each in found] == ["plan=free"] * 2 + ["plan=pro"] * 2
    assert len({each["id"] for each in found}) == 2


def test_brokers_that_are_away_are_waited_for(tmp_path: Path) -> None:
    """Nothing is noted as told before it was acknowledged, and all of it is once brokers are there."""
    broker = Broker(tmp_path / "broker")
    folder = project(tmp_path / "away", broker.address, more=produce("told"), **{"message.timeout.ms": "1000"})
    with telling(folder) as link:
        take_in(link, event(1))
        until(lambda: bool(link.metric("perunit_kafka_errors_total", link="shop", error="KafkaException")))
        assert link.rows("SELECT batch_id FROM kafka_told") == []
        broker.start()
        try:
            until(lambda: link.rows("SELECT batch_id FROM kafka_told") == [(1,)])
            assert json.loads(broker.read("told", 1)[0].value())["data"]["measures"]["units"] == 1
        finally:
            broker.kill()
