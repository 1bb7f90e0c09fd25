"""What comes live ends in the same figures as the same lines in files, digit for digit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.invariants.company import Company, clock
from tests.invariants.histories import History, arrivals, histories
from tests.invariants.told import differences, told

from perunit import pipeline
from perunit.facts.arrivals import Arrival
from perunit.feed import Feed
from perunit.live.intake import Intake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perunit.contract.project import Project


def arrived(lines: Sequence[str]) -> Arrival:
    """Lines that came at once."""
    rows = pa.table({"position": pa.array(range(len(lines)), pa.int64()), "line": pa.array(lines, pa.string())})
    return Arrival("cloudevents", rows, "test")


def opened(company: Company, history: History) -> Project:
    """The company's project, its store in line with the history's price books."""
    project = company.project(history.books)
    pipeline.start(project, company.engine, clock)
    return project


@settings(max_examples=20)
@given(data=st.data(), history=histories(conflicting=True))
def test_any_arrivals_end_with_the_figures_of_files(data: st.DataObject, history: History) -> None:
    """However events are split over arrivals and groups, events, counts and sums are those of an ingest of files."""
    deliveries = data.draw(arrivals(history))
    with tempfile.TemporaryDirectory() as folder:
        live, filed = Company(Path(folder)), deliveries.into(Company(Path(folder)), history.books)
        intake = Intake(opened(live, history), live.engine, clock)
        futures = [intake.submit(arrived(lines)) for lines in deliveries.files]
        found = [future.result(60) for future in futures]
        intake.close()
        assert differences(told(live.engine), told(filed.engine)) == {}
        counts = "SELECT sum(received), sum(accepted), sum(duplicate), sum(conflict), sum(rejected), sum(late) "
        stored = live.engine.rows(counts + "FROM batches")[0]
        assert stored == filed.engine.rows(counts + "FROM batches")[0]
        names = ("received", "accepted", "duplicate", "conflict", "rejected", "late")
        assert stored == tuple(sum(getattr(each, name) for each in found) for name in names)
        live.engine.close()
        filed.engine.close()


@settings(max_examples=20)
@given(data=st.data(), history=histories(conflicting=True))
def test_sums_that_a_dead_process_left_are_made_by_the_next_one(data: st.DataObject, history: History) -> None:
    """Facts were committed, and some of them summed; the next start ends with the figures of files."""
    deliveries = data.draw(arrivals(history))
    with tempfile.TemporaryDirectory() as folder:
        live, filed = Company(Path(folder)), deliveries.into(Company(Path(folder)), history.books)
        project = opened(live, history)
        feed = Feed(project, live.engine, clock)
        for lines in deliveries.files:
            feed.take_in([arrived(lines)])
            if data.draw(st.booleans()):
                pipeline.sum_up(project, live.engine)
        opened(live, history)
        assert differences(told(live.engine), told(filed.engine)) == {}
        live.engine.close()
        filed.engine.close()


@settings(max_examples=20)
@given(data=st.data(), history=histories(conflicting=True))
def test_fewer_rows_say_the_same(data: st.DataObject, history: History) -> None:
    """Partial rows made one change no figure, and there is one row left of each."""
    with tempfile.TemporaryDirectory() as folder:
        company = data.draw(arrivals(history)).into(Company(Path(folder)), history.books)
        before = told(company.engine)
        rows = company.engine.value("SELECT count(*) FROM rollup")
        fewer = pipeline.compact(company.engine, partial_rows=1)
        assert differences(before, told(company.engine)) == {}
        assert fewer >= rows - company.engine.value("SELECT count(*) FROM rollup") >= 0
        assert pipeline.compact(company.engine, partial_rows=1) == 0
        company.engine.close()
