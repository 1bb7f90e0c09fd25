"""A link to Kafka, read by the client that users have from a broker on the wire: every message once, whatever happens.

The broker is noida-db, and librdkafka's mock cluster where there must be several. What only real brokers could show is
listed in docs/doors/kafka.md.
"""

from __future__ import annotations

import logging
import shutil
import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import confluent_kafka
import pytest
from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from tests.facts.doors.otlp_messages import trace_request
from tests.live.broker import Broker, mock_cluster, running, send_to
from tests.live.kafka_project import Reading, event, project, reading, total, until

from perunit import pipeline
from perunit.contract.read import read_project
from perunit.facts.doors import kafka as messages
from perunit.facts.kafka import Offsets, OffsetsMovedError
from perunit.facts.privacy.changes import pseudonym_of, reveal
from perunit.facts.privacy.keys import make_keys
from perunit.facts.privacy.pseudonyms import HIDDEN
from perunit.facts.privacy.sealing import is_sealed
from perunit.facts.quarantine import Selection
from perunit.live.intake import Intake, Limits
from perunit.live.kafka_client import Errors, KafkaMeters, client_library, settings_of
from perunit.live.kafka_consumer import KafkaConsumer, ReadLimits
from perunit.live.meters import Meters
from perunit.live.service import Service
from perunit.model.errors import ConfigurationError, UsageError
from perunit.wiring import opened

if TYPE_CHECKING:
    from pathlib import Path


def events(first: int, end: int) -> list[str]:
    """Events [first, end) as JSON."""
    return [event(number) for number in range(first, end)]


def verified(folder: Path) -> None:
    """Every invariant holds on the store."""
    with opened(folder, purpose="verify") as found:
        assert [each for each in pipeline.verify(found.project, found.engine) if not each.holds] == []


def refused(link: Reading) -> list[tuple[Any, ...]]:
    """What waits in quarantine: where it came from, and why."""
    return link.rows('SELECT file_name, "position", rule, got, raw FROM quarantine ORDER BY file_name, "position"')


def test_messages_become_events_and_offsets_move_with_them(broker: Broker, tmp_path: Path) -> None:
    """What was committed counts; the next offset stands in the store; brokers are told for tools that show lag."""
    broker.make("plain", 3)
    broker.send("plain", events(0, 300))
    folder = project(tmp_path / "plain", broker.address, topics="plain")
    with reading(folder) as link:
        until(lambda: link.events() == 300)
        assert sum(link.offsets().values()) == 300
        until(lambda: link.metric("perunit_kafka_messages_total", link="shop") == 300)
        lags = [link.metric("perunit_kafka_lag", link="shop", topic="plain", partition=str(each)) for each in range(3)]
        assert lags == [0, 0, 0]
        until(lambda: sum(max(0, offset) for offset in committed(broker, "plain", "plain", 3)) == 300)
    assert total(folder) == [(300, 300, Decimal("375.000000000000"))]
    verified(folder)


def committed(broker: Broker, group: str, topic: str, partitions: int) -> list[int]:
    """What brokers think the group has read."""
    client = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": group, "log_level": 0})
    asked = [confluent_kafka.TopicPartition(topic, each) for each in range(partitions)]
    found = [each.offset for each in client.committed(asked, timeout=10)]
    client.close()
    return found


def test_both_content_modes_of_the_sdk_are_read(broker: Broker, tmp_path: Path) -> None:
    """An event in headers and one in the value come to the same; sent both ways it is one event and a duplicate."""
    broker.make("modes")
    own = {"specversion": "1.0", "source": "shop", "type": "order.completed", "time": datetime(2026, 9, 1, tzinfo=UTC)}
    for number, modes in (
        (1, (to_binary_event,)),
        (2, (to_structured_event,)),
        (3, (to_binary_event, to_structured_event)),
    ):
        for mode in modes:
            made = CloudEvent({**own, "id": f"e{number}"}, {"order_id": f"o{number}", "plan": "pro", "total": "9.99"})
            sent = mode(made)
            broker.send("modes", [sent.value], headers=list(sent.headers.items()))
    with reading(project(tmp_path / "modes", broker.address, topics="modes")) as link:
        until(lambda: link.offsets() == {("modes", 0): 4})
        assert link.rows("SELECT id, unit_order, revenue FROM events ORDER BY id") == [
            (f"e{number}", f"o{number}", Decimal("9.99")) for number in (1, 2, 3)
        ]
        assert link.rows("SELECT sum(duplicate), sum(rejected) FROM batches") == [(1, 0)]


def test_poison_waits_in_quarantine_and_stops_nothing(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tombstone, bytes that are no text, no JSON, a breach of the contract and a value too large are refused, each
    with its topic, partition, offset and reason; what is around them counts, and the offset is past them.
    """
    monkeypatch.setattr(messages, "MESSAGE_BYTES_MAX", 2_000)
    broker.make("poison", 2)
    sent = [
        event(1),
        None,
        b"\xff\xfe",
        "{oh",
        event(2, data={"order_id": "o2", "total": "much"}),
        "x" * 2_001,
        event(3),
    ]
    broker.send("poison", sent, partition=1)
    folder = project(tmp_path / "poison", broker.address, topics="poison")
    with reading(folder) as link:
        until(lambda: link.offsets().get(("poison", 1)) == 7)
        assert link.events() == 2
        assert [row[:4] for row in refused(link)] == [
            ("poison[1]", 1, "message", "no value (a tombstone)"),
            ("poison[1]", 2, "json", "text that is no JSON object"),
            ("poison[1]", 3, "json", "text that is no JSON object"),
            ("poison[1]", 4, "number", "much"),
            ("poison[1]", 5, "message", "2001 bytes"),
        ]
        assert [row[4] for row in refused(link)][:3] == ["null", "\\xff\\xfe", "{oh"]
        until(lambda: link.metric("perunit_kafka_dead_letters_total", link="shop") == 2)
        broker.send("poison", [None], partition=0)
        until(lambda: link.offsets().get(("poison", 0)) == 1)
    verified(folder)


def test_a_hidden_id_is_in_no_file_whatever_the_message_was(broker: Broker, tmp_path: Path) -> None:
    """Neither of a fact nor of a row that is refused nor of a message that is none; all can be opened with the keys."""
    name = "alice.liddell@wonder.example"
    broker.make("hidden", 1)
    orders = [event(number, data={"order_id": f"{name}/{number}", "total": "2"}) for number in range(3)]
    poison = [event(9, data={"order_id": f"{name}/9", "total": "much"}), f"no event, says {name}", f"{{{name}"]
    broker.send("hidden", [*orders, *poison])
    folder = project(tmp_path / "hidden", broker.address, topics="hidden")
    with (folder / "perunit.yaml").open("a") as contract:
        contract.write("privacy: {pseudonymize: [order]}\n")
    make_keys(folder / "privacy.keys")
    with reading(folder) as link:
        until(lambda: link.offsets().get(("hidden", 0)) == 6)
        assert link.events() == 3
        assert all(is_sealed(row[4]) and row[3] == HIDDEN for row in refused(link))
        assert len(refused(link)) == 3
        assert [path for path in folder.rglob("*") if path.is_file() and name.encode() in path.read_bytes()] == []
    assert total(folder)[0][0] == 3
    verified(folder)
    assert [path for path in folder.rglob("*") if path.is_file() and name.encode() in path.read_bytes()] == []
    with opened(folder, purpose="test") as found:
        key = pseudonym_of(found.project, "order", f"{name}/1")
        assert reveal(found.project, found.engine, "order", key) == f"{name}/1"


def test_a_source_maps_messages_of_plain_json(broker: Broker, tmp_path: Path) -> None:
    """A message is one line of an ndjson source; topics may be told by a pattern."""
    for topic in ("json.a", "json.b"):
        broker.make(topic)
        broker.send(topic, [f'{{"id": "{topic}", "at": "2026-09-01T10:00:00Z", "order": "o1", "price": 2.50}}'])
    folder = project(tmp_path / "json", broker.address, topics="^json[.].*", format_="lines")
    with reading(folder) as link:
        until(lambda: link.offsets() == {("json.a", 0): 1, ("json.b", 0): 1})
        assert link.rows("SELECT id, revenue FROM events ORDER BY id") == [
            ("json.a", Decimal("2.5")),
            ("json.b", Decimal("2.5")),
        ]
        broker.make("json.c")
        broker.send("json.c", ['{"id": "c", "at": "2026-09-01T10:00:00Z", "order": "o1", "price": 1}'])
        until(lambda: link.events() == 3)


def test_otlp_messages_go_to_every_source_of_their_format(broker: Broker, tmp_path: Path) -> None:
    """Each source takes the spans it matches; what is no request is a dead letter that has no row to replay."""
    broker.make("otlp")
    request = trace_request(
        {"name": "checkout", "attributes": {"order.id": "o1"}}, {"name": "search", "attributes": {"order.id": "o2"}}
    )
    broker.send("otlp", [request.SerializeToString(), b"\xff\xff"])
    folder = project(tmp_path / "otlp", broker.address, topics="otlp", format_="otlp_spans")
    with reading(folder) as link:
        until(lambda: link.offsets() == {("otlp", 0): 2})
        found = "SELECT c.source, c.event_type, e.unit_order FROM events e JOIN cells c USING (cell_id) ORDER BY ALL"
        assert link.rows(found) == [("others", "order.other", "o2"), ("spans", "order.spanned", "o1")]
        assert [row[:3] for row in refused(link)] == [("otlp[0]", 1, "message")]
    verified(folder)
    with opened(folder, purpose="replay") as found:
        assert pipeline.replay(found.project, found.engine, Selection(rule="message"), clock=found.clock) == []


def test_the_same_event_in_two_topics_counts_once(broker: Broker, tmp_path: Path) -> None:
    """Retries of a producer, and a topic that mirrors another, give duplicates; other content is a conflict."""
    for topic in ("first", "mirror"):
        broker.make(topic)
    broker.send("first", [*events(0, 50), *events(25, 50)])
    broker.send("mirror", [*events(0, 50), event(7, total="99")])
    folder = project(tmp_path / "twice", broker.address, topics="first mirror")
    with reading(folder) as link:
        until(lambda: link.offsets() == {("first", 0): 75, ("mirror", 0): 51})
        assert link.rows("SELECT sum(accepted), sum(duplicate), sum(conflict) FROM batches") == [(50, 75, 1)]
        assert [row[:3] for row in refused(link)] == [("mirror[0]", 50, "conflict")]
    verified(folder)


def test_the_store_says_where_to_go_on_whatever_brokers_think(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a stop reading goes on at the store's offset, though the group was committed further ahead meanwhile."""
    broker.make("onwards")
    broker.send("onwards", events(0, 100))
    folder = project(tmp_path / "onwards", broker.address, topics="onwards")
    with reading(folder) as link:
        until(lambda: link.offsets() == {("onwards", 0): 100})
    broker.send("onwards", events(100, 200))
    other = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "onwards", "log_level": 0})
    other.commit(offsets=[confluent_kafka.TopicPartition("onwards", 0, 200)], asynchronous=False)
    other.close()
    with reading(folder) as link:
        until(lambda: link.offsets() == {("onwards", 0): 200})
        assert link.rows("SELECT sum(received), sum(accepted) FROM batches") == [(200, 200)]
    assert "group onwards has been at 200, the store stands at 100" in caplog.text


@pytest.mark.parametrize(("start", "expected"), [("earliest", 30), ("latest", 10), ("time", 20)])
def test_a_topic_is_begun_where_the_contract_says(broker: Broker, tmp_path: Path, start: str, expected: int) -> None:
    """At its beginning, its end or an instant; once begun it goes on, and nothing sent during a stop is missed."""
    topic = f"begin-{start}"
    broker.make(topic)
    broker.send(topic, events(0, 10))
    until(lambda: len(broker.read(topic, 10)) == 10)
    _, last = broker.read(topic, 10)[-1].timestamp()
    instant = datetime.fromtimestamp((last + 1) / 1000, UTC)
    until(lambda: datetime.now(UTC) > instant)
    broker.send(topic, events(10, 20))
    more = f"    start: {instant.isoformat() if start == 'time' else start}\n"
    folder = project(tmp_path / topic, broker.address, topics=topic, more=more)
    with reading(folder) as link:
        until(lambda: (topic, 0) in link.offsets())
    broker.send(topic, events(20, 30))
    with reading(folder) as link:
        until(lambda: link.offsets() == {(topic, 0): 30})
        assert link.events() == expected


def test_messages_deleted_before_they_were_read_are_a_gap_that_is_told(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Retention that was faster: reading goes on at the oldest message, and how many are missing is counted."""
    broker.make("short")
    broker.send("short", events(0, 10))
    folder = project(tmp_path / "short", broker.address, topics="short")
    with reading(folder) as link:
        until(lambda: link.offsets() == {("short", 0): 10})
    broker.send("short", events(10, 40))
    broker.truncate("short", 0, 25)
    with reading(folder) as link:
        until(lambda: link.offsets() == {("short", 0): 40})
        assert link.events() == 25
        assert link.metric("perunit_kafka_gap_messages_total", link="shop", topic="short") == 15
    assert "short[0]: offsets 10 to 24 were deleted before they were read; goes on at 25" in caplog.text


def test_a_topic_made_anew_is_read_from_its_beginning(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While it is gone the others are read on; under its old name with fewer messages it is read whole, and told."""
    broker.make("fixed")
    broker.make("remade")
    broker.send("remade", events(0, 50))
    folder = project(tmp_path / "remade", broker.address, topics="fixed remade")
    with reading(folder) as link:
        until(lambda: link.offsets().get(("remade", 0)) == 50)
        broker.delete("remade")
        broker.send("fixed", events(50, 60))
        until(lambda: link.offsets().get(("fixed", 0)) == 10)
        broker.make("remade")
        broker.send("remade", [*events(45, 50), *events(60, 70)])
        until(lambda: link.offsets() == {("fixed", 0): 10, ("remade", 0): 15})
        assert link.events() == 70
        assert link.rows("SELECT sum(duplicate) FROM batches") == [(5,)]
    assert "remade[0]: offset 50 is gone: it ends at" in caplog.text


def test_a_broker_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    """The link stays, counts the errors, and reads on when the broker is there again with its log."""
    with running(tmp_path / "broker") as broker:
        broker.make("away")
        broker.send("away", events(0, 20))
        with reading(project(tmp_path / "away", broker.address, topics="away")) as link:
            until(lambda: link.offsets() == {("away", 0): 20})
            broker.stop()
            until(lambda: bool(link.metric("perunit_kafka_errors_total", link="shop", error="_TRANSPORT")))
            broker.start()
            # noida-db answers before it has read its log again, and would lose what it is sent until then.
            until(lambda: broker.end("away") == 20)
            broker.send("away", events(20, 40))
            until(lambda: link.offsets() == {("away", 0): 40})
            assert link.rows("SELECT sum(received), sum(accepted) FROM batches") == [(40, 40)]


def test_a_broker_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """A link may be started before its broker, and stopped without one."""
    broker = Broker(tmp_path / "broker")
    folder = project(tmp_path / "early", broker.address, topics="early")
    with reading(folder) as link:
        until(lambda: bool(link.metric("perunit_kafka_errors_total", link="shop", error="_ALL_BROKERS_DOWN")))
    with reading(folder) as link:
        broker.start()
        try:
            broker.make("early")
            broker.send("early", events(0, 5))
            until(lambda: link.events() == 5)
        finally:
            broker.kill()


def test_a_full_intake_holds_the_reading_up_and_bounds_memory(broker: Broker, tmp_path: Path) -> None:
    """While others fill the intake, partitions are paused with one batch in memory; afterwards nothing is missing."""
    broker.make("flood", 2)
    broker.send("flood", events(0, 1_500))
    folder = project(tmp_path / "flood", broker.address, topics="flood")
    small = ReadLimits(batch_bytes=50_000, poll_messages=100)
    with reading(folder, limits=Limits(waiting_rows=500), read_limits=small) as link:
        until(lambda: link.events() > 0)
        gate = threading.Event()
        held = link.service.intake.run(lambda _: gate.wait(30))
        until(lambda: link.service.intake.meters.waiting_rows._value.get() > 0)
        reader = link.consumer._reader
        assert reader is not None
        until(lambda: reader._paused)
        assert reader._batch.bytes < 2 * small.batch_bytes
        gate.set()
        held.result(30)
        until(lambda: link.events() == 1_500)
    verified(folder)


def test_what_cannot_be_committed_is_read_again(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that fails leaves neither rows nor offsets; the link joins again and takes the same messages in."""
    broker.make("again")
    broker.send("again", events(0, 30))
    failing = [True]
    advance = Offsets.advance

    def advance_once_refused(self: Offsets, engine: Any, moves: Any) -> None:
        if failing:
            failing.pop()
            raise OffsetsMovedError("not now")
        advance(self, engine, moves)

    monkeypatch.setattr(Offsets, "advance", advance_once_refused)
    folder = project(tmp_path / "again", broker.address, topics="again")
    with reading(folder) as link:
        until(lambda: link.offsets().get(("again", 0)) == 30)
        assert link.rows("SELECT sum(received), sum(accepted) FROM batches") == [(30, 30)]
        assert link.metric("perunit_kafka_errors_total", link="shop", error="OffsetsMovedError") == 1
    verified(folder)


def test_offsets_move_only_from_where_they_stand(tmp_path: Path) -> None:
    """A batch that was read from elsewhere than the store stands is refused, so it can move no offset back."""
    folder = project(tmp_path / "cas", "localhost:9092")
    with opened(folder, purpose="test") as found:
        offsets = Offsets("shop", "c1")
        offsets.put(found.engine, {("t", 0): 10})
        offsets.advance(found.engine, {("t", 0): (10, 15)})
        for moves in ({("t", 0): (10, 12)}, {("t", 1): (0, 3)}):
            with pytest.raises(OffsetsMovedError, match="does not stand at"):
                offsets.advance(found.engine, moves)
        assert offsets.stored(found.engine) == {("t", 0): 15}
        assert Offsets("shop", "c2").stored(found.engine) == {}


def shared_group(tmp_path: Path, address: str, topic: str, send: Any) -> tuple[Path, Path]:
    """Two projects in one group; partitions go from one to the other and back while messages come."""
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        project(folder, address, topics=topic)
        text = (folder / "perunit.yaml").read_text(encoding="utf-8")
        (folder / "perunit.yaml").write_text(text.replace(f"group: {folder.name}", "group: shared"), encoding="utf-8")
    send(events(0, 200))
    with reading(folders[0]) as one:
        until(lambda: one.events() == 200)
        with reading(folders[1]) as two:
            until(lambda: len(two.consumer._reader._positions) == 2)
            until(lambda: len(one.consumer._reader._positions) == 2)
            send(events(200, 400))
            until(
                lambda: (
                    one.events() + len(two.rows("SELECT id FROM events WHERE length(id) = 4 AND id >= 'e200'")) == 400
                )
            )
        until(lambda: len(one.consumer._reader._positions) == 4)
        send(events(400, 600))
        until(lambda: one.events() == 600)
    return folders


@pytest.mark.slow
def test_partitions_that_change_hands_are_read_whole(broker: Broker, tmp_path: Path) -> None:
    """A second consumer joins the group and leaves it: no store counts a message twice, and the one that stays has
    every message in the end, because its own offsets say what it still lacks.
    """
    broker.make("shared", 4)
    one, two = shared_group(tmp_path, broker.address, "shared", lambda values: broker.send("shared", values))
    assert total(one)[0][:2] == (600, 600)
    count, distinct, _ = total(two)[0]
    assert count == distinct >= 100
    for folder in (one, two):
        verified(folder)


@pytest.mark.slow
def test_partitions_change_hands_in_a_cluster_of_several_brokers(tmp_path: Path) -> None:
    """The same over librdkafka's mock cluster of three brokers, whose partitions have different leaders."""
    with mock_cluster() as address:
        send_to(address, "shared", [])
        one, two = shared_group(tmp_path, address, "shared", lambda values: send_to(address, "shared", values))
    assert total(one)[0][:2] == (600, 600)
    assert total(two)[0][0] == total(two)[0][1]


def test_a_store_from_a_backup_reads_again_what_it_lacks(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its offsets are those of its rows: put back, it goes on where it stood then, and comes to the same."""
    broker.make("backup")
    broker.send("backup", events(0, 40))
    folder = project(tmp_path / "backup", broker.address, topics="backup")
    with reading(folder) as link:
        until(lambda: link.offsets() == {("backup", 0): 40})
    shutil.copytree(folder / "data", tmp_path / "kept")
    broker.send("backup", events(40, 90))
    with reading(folder) as link:
        until(lambda: link.offsets() == {("backup", 0): 90})
    after = total(folder)
    shutil.rmtree(folder / "data")
    shutil.copytree(tmp_path / "kept", folder / "data")
    with reading(folder) as link:
        until(lambda: link.offsets() == {("backup", 0): 90})
        assert link.rows("SELECT sum(received), sum(accepted) FROM batches") == [(90, 90)]
    assert total(folder) == after
    assert "the store stands at 40 and reads from there" in caplog.text


def test_a_link_that_cannot_be_says_why_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set, a setting librdkafka does not know and a missing library are told before serving."""
    folder = project(tmp_path / "wrong", "localhost:1", more="    secrets: {sasl.password: PERUNIT_TEST_SECRET}\n")

    def start() -> None:
        with opened(folder, purpose="serve") as found:
            meters = Meters()
            intake = Intake(found.project, found.engine, found.clock, meters=meters)
            service = Service(found.project, intake, found.clock, meters)
            try:
                KafkaConsumer("shop", found.contract.kafka["shop"], service, KafkaMeters(meters)).start()
            finally:
                intake.close()

    with pytest.raises(ConfigurationError, match=r"kafka\.shop\.secrets\.sasl\.password: got 'PERUNIT_TEST_SECRET'"):
        start()
    project(tmp_path / "wrong", "localhost:1", **{"no.such.setting": "1"})
    with pytest.raises(ConfigurationError, match=r'No such configuration property: "no\.such\.setting"'):
        start()
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(UsageError, match="pip install 'perunit\\[kafka\\]'"):
        client_library()


def test_errors_of_a_client_are_all_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A broker that is away for hours fills no log; another kind of error is told beside it."""
    meters = Meters()
    errors = Errors("shop", KafkaMeters(meters))
    for _ in range(50):
        errors(confluent_kafka.KafkaError(confluent_kafka.KafkaError._TRANSPORT))
    errors(confluent_kafka.KafkaError(confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED))
    labels = {"link": "shop", "error": "_TRANSPORT"}
    assert meters.registry.get_sample_value("perunit_kafka_errors_total", labels) == 50
    assert [record.getMessage().split("(")[-1] for record in caplog.records] == [
        "_TRANSPORT)",
        "TOPIC_AUTHORIZATION_FAILED)",
    ]


def test_secrets_come_from_the_environment_and_are_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The value reaches the client's settings and no line of the log."""
    monkeypatch.setenv("PERUNIT_TEST_SECRET", "hunter2")
    folder = project(tmp_path / "secret", "localhost:1", more="    secrets: {sasl.password: PERUNIT_TEST_SECRET}\n")
    link = read_project(folder).contract.kafka["shop"]
    with caplog.at_level(logging.DEBUG):
        assert settings_of("shop", link)["sasl.password"] == "hunter2"
    assert "hunter2" not in caplog.text
