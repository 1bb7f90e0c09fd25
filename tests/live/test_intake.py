"""The one writer: what came at once is committed and acknowledged together, and each sender hears of its own rows."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.facts.said import line, table_contract
from tests.invariants.company import NOW, Company
from tests.live.arriving import arrival, dumped, facts, opened, waiting_together

from perunit.facts.arrivals import Arrival, Problem
from perunit.live.intake import ClosedError, Limits, OverloadedError
from perunit.model.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.engine.duckdb import Engine


def test_an_arrival_hears_what_became_of_its_rows(tmp_path: Path) -> None:
    """Counts, the batch, and the reasons by position."""
    company = Company(tmp_path)
    with opened(company) as intake:
        lines = [line(id="a"), line(id="a"), line(id="a", data={"order_id": "o1", "total": "2"}), "no json"]
        found = intake.submit(arrival(lines)).result(30)
    assert (found.received, found.accepted, found.duplicate, found.conflict, found.rejected) == (4, 1, 1, 1, 1)
    assert (found.ignored, found.orphan, found.late, found.batch_id) == (0, 1, 0, 1)
    assert [(each.position, each.kind, each.rule, each.got) for each in found.problems] == [
        (2, "conflict", "conflict", "a"),
        (3, "rejected", "json", "text that is no JSON object"),
    ]


def test_arrivals_that_wait_together_are_one_group_and_hear_of_their_own(tmp_path: Path) -> None:
    """The second one's row is a duplicate of the first one's, although neither was committed before the other."""
    company = Company(tmp_path)
    with opened(company) as intake:
        with waiting_together(intake):
            sent = [[line(id="a")], [line(id="a"), "no json"], [line(id="b", data={})], []]
            futures = [intake.submit(arrival(lines)) for lines in sent]
        found = [future.result(30) for future in futures]
    assert {each.batch_id for each in found} == {1}
    assert [(each.received, each.accepted, each.duplicate, each.rejected, each.orphan) for each in found] == [
        (1, 1, 0, 0, 1), (2, 0, 1, 1, 0), (1, 1, 0, 0, 1), (0, 0, 0, 0, 0),
    ]  # fmt: skip
    expected = "must be one JSON object; repair the line"
    assert found[1].problems == (Problem(1, "rejected", "json", "line", "text that is no JSON object", expected),)
    assert company.engine.rows("SELECT position, file_name FROM quarantine") == [(1, "test")]


def test_those_answered_together_are_given_time_to_send_their_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next of the first waits for the next of the second, and both are one group; one alone waits for no one."""
    monkeypatch.setattr("perunit.live.intake._PATIENCE_SHARE", 10**9)
    company = Company(tmp_path)
    with opened(company, limits=Limits(patience_seconds=60.0)) as intake:
        assert intake.submit(arrival([line(id="alone")])).result(30).batch_id == 1
        with waiting_together(intake):
            first = [intake.submit(arrival([line(id=each)])) for each in ("a", "b")]
        assert {each.result(30).batch_id for each in first} == {2}
        early = intake.submit(arrival([line(id="c")]))
        with pytest.raises(TimeoutError):
            early.result(0.3)
        late = intake.submit(arrival([line(id="d")]))
        assert {early.result(30).batch_id, late.result(30).batch_id} == {3}
        left = intake.submit(arrival([line(id="e")]))
    assert left.result(0).batch_id == 4


def test_lateness_is_told_to_the_arrival_it_concerns(tmp_path: Path) -> None:
    """By the time of recording where it is known, otherwise by the newest event before the group."""
    company = Company(tmp_path)
    with opened(company) as intake:
        intake.submit(arrival([line(id="new", time=f"{NOW:%Y-%m-%dT%H:%M:%SZ}")])).result(30)
        with waiting_together(intake):
            old = f"{NOW - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
            futures = [
                intake.submit(arrival([line(id="late", time=old)])),
                intake.submit(arrival([line(id="told", time=old, recordedtime=old)])),
            ]
        assert [future.result(30).late for future in futures] == [1, 0]


def test_only_the_first_hundred_problems_are_told(tmp_path: Path) -> None:
    """All of them wait in quarantine."""
    company = Company(tmp_path)
    with opened(company) as intake:
        found = intake.submit(arrival(["x"] * 250)).result(30)
    assert (found.rejected, [each.position for each in found.problems]) == (250, list(range(100)))
    assert company.engine.value("SELECT count(*) FROM quarantine") == 250


def test_what_is_done_within_an_arrival_is_committed_with_it(tmp_path: Path) -> None:
    """Where it raises, the arrival is not in the store; others of its group are."""
    company = Company(tmp_path)
    company.engine.execute("CREATE TABLE offsets (place INTEGER)")

    def note(engine: Engine) -> None:
        engine.execute("INSERT INTO offsets VALUES (1)")

    def fail(engine: Engine) -> None:
        note(engine)
        raise RuntimeError("as told")

    with opened(company) as intake:
        with waiting_together(intake):
            good = intake.submit(arrival([line(id="a")], within=note))
            bad = intake.submit(arrival([line(id="b")], within=fail))
        assert good.result(30).accepted == 1
        with pytest.raises(RuntimeError, match="as told"):
            bad.result(30)
    assert facts(company) == [("shop", "a")]
    assert company.engine.rows("SELECT * FROM offsets") == [(1,)]


def test_sums_follow(tmp_path: Path) -> None:
    """After the intake is closed, every sum is as if computed anew."""
    company = Company(tmp_path)
    with opened(company) as intake:
        intake.submit(arrival([line(id="a"), line(id="a")])).result(30)
    assert company.engine.rows("SELECT sum(events), sum(duplicates), sum(revenue) FROM rollup") == [(1, 1, 1)]


def test_too_much_waiting_is_turned_away(tmp_path: Path) -> None:
    """The sender is told when to come again; an arrival larger than all that may wait is taken when nothing waits."""
    company = Company(tmp_path)
    with opened(company, limits=Limits(waiting_bytes=100, waiting_rows=2)) as intake:
        with waiting_together(intake):
            large = intake.submit(arrival([line(id="a"), line(id="b"), line(id="c")]))
            with pytest.raises(OverloadedError, match="send them again in 1 s") as raised:
                intake.submit(arrival([line(id="d")]))
        assert raised.value.retry_after_seconds == 1
        assert large.result(30).accepted == 3
        assert intake.submit(arrival([line(id="d")])).result(30).accepted == 1
    assert intake.meters.registry.get_sample_value("perunit_overloads_total") == 1


def test_rows_are_bounded_as_well_as_bytes(tmp_path: Path) -> None:
    """Many small ones cost as much time as few large ones."""
    with opened(Company(tmp_path), limits=Limits(waiting_rows=2)) as intake, waiting_together(intake):
        intake.submit(arrival([line(id="a"), line(id="b")]))
        with pytest.raises(OverloadedError):
            intake.submit(arrival([line(id="c")]))


def test_a_closed_intake_has_committed_what_waited(tmp_path: Path) -> None:
    """And takes nothing more."""
    company = Company(tmp_path)
    with opened(company) as intake, waiting_together(intake):
        future = intake.submit(arrival([line(id="a")]))
        closing = threading.Thread(target=intake.close)
        closing.start()
    closing.join()
    assert future.result(0).accepted == 1
    with pytest.raises(ClosedError):
        intake.submit(arrival([line(id="b")]))
    with pytest.raises(ClosedError):
        intake.run(lambda engine: engine.value("SELECT 1"))


def test_a_job_runs_alone_on_the_writer(tmp_path: Path) -> None:
    """It sees what was submitted before it, and what it raises is raised to who asked."""
    with opened(Company(tmp_path)) as intake:
        intake.submit(arrival([line(id="a")]))
        assert intake.run(lambda engine: engine.value("SELECT count(*) FROM events")).result(30) == 1
        with pytest.raises(ZeroDivisionError):
            intake.run(lambda _: 1 // 0).result(30)


def test_a_source_that_is_not_there_is_an_error_of_its_arrival(tmp_path: Path) -> None:
    """The intake goes on."""
    with opened(Company(tmp_path)) as intake:
        with pytest.raises(UsageError, match="source 'nowhere' is not in perunit"):
            intake.submit(arrival([line()], source="nowhere")).result(30)
        assert intake.submit(arrival([line()])).result(30).accepted == 1


def test_lines_of_a_source_come_live(tmp_path: Path) -> None:
    """Their columns are those the mapping names, with dots; rows that match leaves out are counted and kept nowhere."""
    contract = table_contract(
        "ndjson", {"match": "kind = 'sale'", "columns": {"n": "BIGINT"}},
        units={"order": "order.id"}, amounts={"revenue": "case when n > 1 then order.total end"},
    )  # fmt: skip
    company = Company(tmp_path, contract)
    at = "2026-03-01T00:00:00Z"
    rows = [
        {"kind": "sale", "id": 1, "at": at, "order": {"id": "o1", "total": "1.5"}, "n": 2},
        {"kind": "visit", "id": 2, "at": at},
        {"kind": "sale", "id": 3, "at": at, "order": {"id": "o1", "total": "1.5"}, "n": "x"},
        {"kind": "sale", "id": 4, "at": at, "order": {"id": "o1", "total": "x"}, "n": 2},
    ]
    with opened(company) as intake:
        found = intake.submit(arrival([*dumped(rows), "no json"], source="shop")).result(30)
    assert (found.received, found.accepted, found.rejected, found.ignored) == (4, 1, 3, 1)
    assert [(each.position, each.rule, each.place, each.got) for each in found.problems] == [
        (2, "type", "n", "x"), (3, "number", "amounts.revenue", "x"),
        (4, "json", "line", "text that is no JSON object"),
    ]  # fmt: skip
    assert company.engine.rows("SELECT id, unit_order, revenue FROM events") == [("1", "o1", 1.5)]
    assert company.engine.rows("SELECT received, ignored FROM batches") == [(4, 1)]


def test_what_match_cannot_tell_of_a_row_refuses_it(tmp_path: Path) -> None:
    """Ignoring it would drop it in silence."""
    contract = table_contract(
        "ndjson", {"match": "n > 1 and cast(m as integer) = 1", "columns": {"n": "BIGINT"}}, units={"order": "id"}
    )
    at = "2026-03-01T00:00:00Z"
    rows = [{"id": id_, "at": at, "n": n, "m": m} for id_, n, m in [("a", 2, 1), ("b", "x", 1), ("c", 2, "y")]]
    with opened(Company(tmp_path, contract)) as intake:
        found = intake.submit(arrival(dumped(rows), source="shop")).result(30)
    assert (found.accepted, found.ignored) == (1, 0)
    assert [(each.position, each.rule, each.place) for each in found.problems] == [
        (1, "type", "n"), (2, "expression", "match"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"id": None}, r"event\.id: got '', must be given for rows that come live"),
        ({"id": "id || _row"}, "got '_row', must not be named for rows that come live"),
        ({"time": "id.at"}, "got 'id', must not be both a value and an object"),
    ],
)
def test_a_mapping_that_cannot_be_live_is_told(tmp_path: Path, mapping: dict[str, str], said: str) -> None:
    """The arrival gets the fault, and the intake goes on."""
    contract = table_contract("ndjson", **mapping)
    with (
        opened(Company(tmp_path, contract)) as intake,
        pytest.raises(ConfigurationError, match=said),
    ):
        intake.submit(arrival(["{}"], source="shop")).result(30)


def test_an_arrival_may_hold_other_forms_of_its_columns(tmp_path: Path) -> None:
    """More columns than are needed, and other widths of text, come to the same."""
    rows = arrival([line()]).rows.append_column("more", [["x"]])
    with opened(Company(tmp_path)) as intake:
        assert intake.submit(Arrival("cloudevents", rows, "test")).result(30).accepted == 1
