"""Spans that wait, labels and series in a project with pseudonyms: no raw id in any file, the same sums as without."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.facts.doors.otlp_messages import trace_requests
from tests.facts.privacy.hidden_doors import (
    ALICE,
    BOB,
    Doors,
    Hours,
    calls,
    cpu,
    egress,
    pod_labels,
    record,
    served,
    written,
)
from tests.facts.privacy.test_pseudonyms import holding, sums
from tests.facts.test_traces import SPANS, Door

from perunit import pipeline
from perunit.engine.duckdb import Engine
from perunit.facts import sealed_spans
from perunit.facts.arrivals import Arrival, DoorError
from perunit.facts.doors.exposition import read_exposition
from perunit.facts.doors.otlp import METRICS, TRACES, read_message
from perunit.facts.doors.remote_write import read_write_request, write_request
from perunit.facts.privacy import changes
from perunit.facts.privacy.keys import make_keys
from perunit.facts.privacy.sealing import Sealer, is_sealed
from perunit.facts.privacy.seals import Seals, seals_of
from perunit.facts.traces import stranded
from perunit.feed import Feed
from perunit.wiring import Opened, opened

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = {"span_id": b"\2" * 8}, {"span_id": b"\3" * 8}


def begins(doors: Doors, _: Hours) -> None:
    """Everything that waits, or is counted from: spans without their root, first samples, labels."""
    doors.spans(calls(1, FIRST), "grpc")
    doors.spans(calls(1, SECOND), "http")
    doors.spans(calls(2, FIRST, of=BOB), "json")
    # Its outcome is none, so that it is refused once its time is up.
    doors.spans(calls(3, FIRST | {"attributes": {"result": f"as {ALICE} likes"}}), "http")
    # What its trace says is known, but for the plan.
    doors.spans(calls(4, FIRST, root={"user.id": ALICE}), "grpc")
    doors.send("metrics", egress(ALICE, 0, 100))
    doors.send("logs", record(ALICE, "12.50"))
    doors.send("logs", record(BOB, f"a lot, says {BOB}"))
    doors.write(pod_labels(ALICE, 0), pod_labels(BOB, 0), cpu(ALICE, 0, 5.0), cpu(BOB, 0, 1.0))
    doors.scrape(f'cpu_total{{pod="pod-{ALICE}"}} 10\n')


def goes_on(doors: Doors, clock: Hours) -> None:
    """Roots, growth, a counter that began anew, and all of the beginning once more."""
    doors.spans(calls(1, root={"user.id": ALICE, "plan": "pro"}), "http")
    doors.spans(calls(2, of=BOB, root={"user.id": BOB, "plan": "free"}), "grpc")
    for value, seconds in ((130, 60), (130, 60), (7, 120)):
        doors.send("metrics", egress(ALICE, seconds, value))
    doors.write(cpu(ALICE, 60, 9.5), cpu(ALICE, 60, 9.5), cpu(BOB, 60, 1.25))
    doors.scrape(f'cpu_total{{pod="pod-{ALICE}"}} 12.5\npod_labels{{pod="pod-{ALICE}",label_user="{ALICE}"}} 1\n')
    doors.scrape(f'cpu_total{{pod="pod-{ALICE}" 99\n')
    doors.spans(calls(1, FIRST, SECOND), "http")
    doors.send("metrics", egress(ALICE, 0, 100))
    doors.write(cpu(ALICE, 0, 5.0))
    clock.now += timedelta(minutes=5)
    doors.release()


USED = (
    "SELECT sum(usage_egress_bytes), sum(usage_cpu_seconds), sum(revenue), count(DISTINCT unit_user), "
    "count(*) FILTER (orphan_mask <> 0) FROM events JOIN cells USING (cell_id)"
)
CAME = (
    "SELECT source, sum(received), sum(accepted), sum(duplicate), sum(conflict), sum(rejected), sum(ignored) "
    "FROM batches GROUP BY ALL ORDER BY ALL"
)


def told(root: Path, *, hidden: bool) -> tuple[list[Any], list[str], list[str]]:
    """What the project holds in the end, what it has answered, and which files held an id on the way."""
    written(root, hidden=hidden)
    clock, answers, held = Hours(), list[str](), list[str]()
    for act in (begins, goes_on):
        with served(root, clock) as doors:
            act(doors, clock)
            held += holding(root, ALICE, BOB)
            answers += doors.answers
        held += holding(root, ALICE, BOB)
        clock.now += timedelta(seconds=10)
    with opened(root, purpose="test", clock=clock) as found:
        counts = found.engine.rows(CAME)
        waiting = found.engine.rows(
            "SELECT (SELECT count(*) FROM waiting_spans), list(rule ORDER BY rule) FROM quarantine"
        )
        series = found.engine.rows("SELECT source, last_time, last_value, holding FROM series ORDER BY ALL")
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))
        return [sums(found.engine), found.engine.rows(USED), counts, waiting, series], answers, held


def test_no_file_log_or_answer_holds_a_raw_id_and_sums_are_those_of_the_plain_project(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Over every door, while rows wait, after a restart, once they have waited their time; without pseudonyms the same
    search finds the ids.
    """
    caplog.set_level(logging.DEBUG)
    found, answers, held = told(tmp_path / "own", hidden=True)
    assert held == []
    said = "\n".join([*answers, caplog.text])
    assert ALICE not in said
    assert BOB not in said
    plain, _, held = told(tmp_path / "plain", hidden=False)
    assert held
    assert found == plain
    (used,) = plain[1]
    # 30 bytes, then 7 after the reset; 4.5 + 2.5 and 0.25 seconds; two persons; the one whose plan nobody said.
    assert [str(each) for each in used] == ["37.000000000", "7.250000000", "12.500000000000", "2", "0"]
    assert plain[3] == [(0, ["number", "outcome"])]
    assert {each[:3] for each in answers} == {"{}", "200", "204", "Not"}


def one(found: Opened, clock: Hours) -> Feed:
    """The way in, as a process begins with it."""
    return Feed(found.project, found.engine, clock)


def spans(feed: Feed, request: Any) -> Any:
    """Takes spans in."""
    return feed.take_in([Arrival("calls", read_message(TRACES, request), "test")])[0]


def samples(feed: Feed, *given_: Any) -> Any:
    """Takes samples in."""
    return feed.take_in([Arrival("pods", read_write_request(write_request(given_), 1 << 20).rows, "test")])[0]


def points(feed: Feed, request: Any) -> Any:
    """Takes points in."""
    return feed.take_in([Arrival("points", read_message(METRICS, request), "test")])[0]


def waits_for_both(feed: Feed) -> None:
    """Spans, what traces have said, labels and counters of two persons."""
    for trace, of in ((1, ALICE), (2, BOB)):
        spans(feed, calls(trace, FIRST, of=of, root={"user.id": of}))
        samples(feed, pod_labels(of, 0), cpu(of, 0, 1.0))
        points(feed, egress(of, 0, 100))


KEPT = {"waiting_spans": "sealed", "trace_values": "value", "label_sets": "sealed"}


def kept(engine: Engine) -> dict[str, int]:
    """How many rows are kept, table by table; every one of them sealed."""
    rows = {table: engine.rows(f"SELECT {column} FROM {table}") for table, column in KEPT.items()}
    assert all(is_sealed(text) for found in rows.values() for (text,) in found)
    return {table: len(found) for table, found in rows.items()}


def test_an_erased_person_leaves_nothing_that_waits(tmp_path: Path) -> None:
    """Spans, what traces said and labels of it go, others' stay; counters go on, and what comes again is known."""
    root, clock = written(tmp_path / "own", hidden=True), Hours()
    with opened(root, purpose="test", clock=clock) as found:
        feed = one(found, clock)
        waits_for_both(feed)
        assert kept(found.engine) == {"waiting_spans": 2, "trace_values": 2, "label_sets": 2}
        changes.erase(found.project, found.engine, "user", ALICE)
        changes.erase(found.project, found.engine, "user", ALICE)
        assert kept(found.engine) == {"waiting_spans": 1, "trace_values": 1, "label_sets": 1}
        assert points(feed, egress(ALICE, 0, 100)).duplicate == 1
        assert points(feed, egress(ALICE, 60, 103)).accepted == 1
        spans(feed, calls(2, of=BOB, root={"user.id": BOB, "plan": "pro"}))
        samples(feed, cpu(BOB, 60, 2.0))
        facts = found.engine.rows(
            "SELECT source, unit_user, sum(usage_egress_bytes), sum(usage_cpu_seconds) FROM events "
            "JOIN cells USING (cell_id) WHERE coalesce(usage_egress_bytes, usage_cpu_seconds, attempt_mask) > 0 "
            "GROUP BY ALL"
        )
        alice, bob = (changes.pseudonym_of(found.project, "user", raw) for raw in (ALICE, BOB))
        assert {(source, {alice: "alice", bob: "bob"}.get(user, "nobody")): used for source, user, *used in facts} == {
            ("calls", "bob"): [None, None], ("points", "alice"): [3, None], ("pods", "bob"): [None, 1],
        }  # fmt: skip
        assert holding(root, ALICE, BOB) == []


def test_a_short_id_is_erased_where_it_is_a_whole_value(tmp_path: Path) -> None:
    """A `7` within another's text is not that person, so that nobody else's spans go with it."""
    root, clock = written(tmp_path / "own", hidden=True), Hours()
    with opened(root, purpose="test", clock=clock) as found:
        feed = one(found, clock)
        spans(feed, calls(1, FIRST, of=BOB))
        spans(feed, calls(2, FIRST | {"attributes": {"by": "7"}}, of="x"))
        changes.erase(found.project, found.engine, "user", "7")
        assert kept(found.engine)["waiting_spans"] == 1
        spans(feed, calls(1, of=BOB, root={"user.id": BOB, "plan": "pro"}))
        assert kept(found.engine)["waiting_spans"] == 0


USED_BY = "SELECT count(*) FILTER (attempt_mask > 0), sum(usage_egress_bytes), sum(usage_cpu_seconds)"


def test_keys_rotate_while_rows_wait(tmp_path: Path) -> None:
    """Without the old key they are opened, joined and counted as if nothing had been, once each."""
    root, clock = written(tmp_path / "own", hidden=True), Hours()
    with opened(root, purpose="test", clock=clock) as found:
        waits_for_both(one(found, clock))
        changes.rotate(found.project, found.engine)
        kept(found.engine)
    said = json.loads((root / "privacy.keys").read_text())
    del said["keys"]["v1"]
    (root / "privacy.keys").write_text(json.dumps(said))
    with opened(root, purpose="test", clock=clock) as found:
        feed = one(found, clock)
        for trace, of in ((1, ALICE), (2, BOB)):
            spans(feed, calls(trace, of=of, root={"user.id": of, "plan": "pro"}))
            samples(feed, cpu(of, 60, 4.0), cpu(of, 0, 1.0))
            assert points(feed, egress(of, 0, 100)).duplicate == 1
            points(feed, egress(of, 60, 130))
            own = {"own": changes.pseudonym_of(found.project, "user", of)}
            sql = (
                "SELECT count(*) FILTER (attempt_mask > 0), sum(usage_egress_bytes), sum(usage_cpu_seconds) FROM events"
            )
            assert found.engine.rows(f"{sql} JOIN cells USING (cell_id) WHERE unit_user = $own", own) == [(1, 30, 3)]
        assert kept(found.engine)["waiting_spans"] == 0
        assert found.engine.value("SELECT count(DISTINCT unit_user) FROM events") == 2


def test_spans_that_waited_under_another_mapping_are_opened(tmp_path: Path) -> None:
    """They come in by the mapping of today, which names their trace no longer."""
    root, clock = written(tmp_path / "own", hidden=True), Hours()
    with opened(root, purpose="test", clock=clock) as found:
        spans(one(found, clock), calls(1, FIRST))
        seals = seals_of(found.project)
        assert stranded(found.engine, {"calls"}, clock(), seals) == {}
        rows = stranded(found.engine, set(), clock(), seals)["calls"]
    (row,) = rows.to_pylist()
    assert (row["name"], row["trace"], row["trace_id"]) == (f"GET /users/{ALICE}", None, f"{1:032x}")
    assert dict(row["resource"])["host.name"] == f"pod-of-{ALICE}"


def test_a_digest_of_labels_does_not_tell_whose_series_it_is(tmp_path: Path) -> None:
    """Who has the store and guesses an id finds neither its digest nor its trace."""
    root, clock = written(tmp_path / "own", hidden=True), Hours()
    request, trace = egress(ALICE, 0, 100), calls(1, FIRST)
    with opened(root, purpose="test", clock=clock) as found:
        feed = one(found, clock)
        points(feed, request)
        spans(feed, trace)
        guessed = read_message(METRICS, request)["series"][0].as_py()
        assert found.engine.value("SELECT count(*) FROM series") == 1
        assert (
            found.engine.value("SELECT count(*) FROM series WHERE series = CAST($own AS UUID)", {"own": guessed}) == 0
        )
        assert found.engine.value("SELECT count(*) FROM waiting_spans WHERE trace_id = $own", {"own": f"{1:032x}"}) == 0


WHAT = "SELECT event_time, unit_order, segment_plan FROM events JOIN cells USING (cell_id) ORDER BY ALL"


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(order=st.permutations([*SPANS, SPANS[1], SPANS[5]]), cuts=st.lists(st.integers(1, 5), min_size=1, max_size=2))
def test_in_any_order_the_facts_are_those_of_the_plain_project(
    tmp_path_factory: pytest.TempPathFactory, order: list[Any], cuts: list[int]
) -> None:
    """However spans are cut into requests, with a process that begins anew before each of them."""
    found = []
    for secret in ((), ("user",)):
        door = Door(tmp_path_factory.mktemp("traces"), secret=secret)
        rest = list(order)
        for size in [*cuts, len(order)]:
            door.send(rest[:size])
            rest = rest[size:]
            door.open()
        counts = door.company.engine.rows("SELECT sum(received), sum(accepted), sum(duplicate) FROM batches")
        found.append((door.company.engine.rows(WHAT), counts, door.waiting()))
    assert found[0] == found[1]
    assert len(found[0][0]) == 5


@pytest.fixture(scope="module")
def seals(tmp_path_factory: pytest.TempPathFactory) -> Seals:
    """Keys of no project."""
    keys = make_keys(tmp_path_factory.mktemp("keys") / "privacy.keys")
    inner, outer = keys.event_pads()
    return Seals(Sealer(keys), {"mark_inner": inner, "mark_outer": outer})


@settings(
    max_examples=40, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(request=trace_requests())
def test_a_sealed_span_is_opened_as_it_came(seals: Seals, request: Any) -> None:
    """To the last digit, in any script, with any names of attributes."""
    engine = Engine(threads=1)
    try:
        engine.register("arrived", read_message(TRACES, request))
        kept_ = sealed_spans.kept_sql(engine, seals, "FROM arrived")
        numbered = f"SELECT row_number() OVER () AS place, NULL::MAP(VARCHAR, VARCHAR) AS trace, sealed FROM ({kept_})"
        opened_ = engine.arrow(f"{sealed_spans.opened_sql(engine, seals, numbered)} ORDER BY place")
        came = engine.arrow("SELECT * EXCLUDE (position, trace) FROM arrived ORDER BY position")
    finally:
        engine.close()
    assert opened_.select(came.column_names).to_pylist() == came.to_pylist()


def test_a_line_that_breaks_the_format_is_not_told(tmp_path: Path) -> None:
    """The log names the line, the rule and the mend; what stands there it does not."""
    body = f'cpu_total{{pod="{ALICE}" 12\n'.encode()
    with pytest.raises(DoorError) as plain:
        read_exposition(body, 0)
    with pytest.raises(DoorError) as hidden:
        read_exposition(body, 0, hides=True)
    assert ALICE in plain.value.detail
    assert ALICE not in hidden.value.detail
    assert hidden.value.detail.startswith("line 1: hidden by privacy.pseudonymize, must be")
