"""The invariants over generated histories: exactly once, in any order, additive, and true to the last digit."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.invariants.company import ACCOUNTS, DIMENSIONS, LIMIT, NOW, Company
from tests.invariants.histories import History, arrivals, histories
from tests.invariants.oracle import Truth, add, is_late
from tests.invariants.told import SHOWN, differences, told

from perunit.economics.price.replay import changes_past, replayed
from perunit.measures.query import Query, run_query
from perunit.model.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.engine.duckdb import Engine


@contextmanager
def companies() -> Iterator[Any]:
    """Makes companies whose files and stores are gone afterwards."""
    made: list[Company] = []
    with tempfile.TemporaryDirectory() as folder:

        def make() -> Company:
            own = Path(folder, str(len(made)))
            own.mkdir()
            made.append(Company(own))
            return made[-1]

        yield make
        for company in made:
            company.engine.close()


@given(data=st.data(), history=histories(conflicting=True))
def test_every_delivery_is_accounted_for_once(data: st.DataObject, history: History) -> None:
    """However events are repeated and split, each is accepted once, and every row received is found again."""
    with companies() as company:
        engine = data.draw(arrivals(history)).into(company(), history.books).engine
        accepted = engine.rows("SELECT c.source, e.id FROM events e JOIN cells c USING (cell_id) ORDER BY ALL")
        assert accepted == sorted(event.key for event in history.events)
        batches = engine.rows("SELECT received, accepted, duplicate, conflict, rejected FROM batches")
        assert all(received == sum(parts) for received, *parts in batches)
        assert [sum(column) for column in zip(*batches, strict=True)] == [
            len(history.events) + len(history.repeats) + len(history.conflicts) + len(history.refused),
            len(history.events), len(history.repeats), len(history.conflicts), len(history.refused),
        ]  # fmt: skip
        quarantined = sorted((kind, raw.strip()) for kind, raw in engine.rows("SELECT kind, raw FROM quarantine"))
        assert quarantined == sorted(
            [("conflict", event.line()) for event in history.conflicts]
            + [("rejected", line) for line in history.refused]
        )
        late = engine.value("SELECT coalesce(sum(late), 0) FROM batches")
        assert late == sum(is_late(event) for event in history.events)


@given(data=st.data(), history=histories(conflicting=True))
def test_the_same_files_again_change_nothing(data: st.DataObject, history: History) -> None:
    """A second run over the same files is recognised group by group and leaves every figure as it was."""
    arrival = data.draw(arrivals(history))
    with companies() as make:
        company = arrival.into(make(), history.books)
        before = told(company.engine)
        paths = sorted(company.folder.iterdir())
        reports = company.ingest(*paths, books=history.books, group_bytes=arrival.group_bytes)
        assert sum(report.received for report in reports) == 0
        assert sum(report.already for report in reports) == sum(len(file) for file in arrival.files)
        assert differences(before, told(company.engine)) == {}


@given(data=st.data(), history=histories())
def test_any_order_ends_with_the_same_figures(data: st.DataObject, history: History) -> None:
    """Deliveries, files, groups and price books in any order: the same rollups, digit for digit."""
    with companies() as company:
        one = data.draw(arrivals(history)).into(company(), history.books)
        other = data.draw(arrivals(history)).into(company(), history.books)
        assert differences(told(one.engine), told(other.engine)) == {}


@given(data=st.data(), history=histories(conflicting=True))
def test_a_full_recomputation_gives_the_same_digits(data: st.DataObject, history: History) -> None:
    """Sums kept up batch by batch are those computed from all facts at once."""
    with companies() as make:
        company = data.draw(arrivals(history)).into(make(), history.books)
        before = told(company.engine)
        company.recompute(*history.books)
        assert differences(before, told(company.engine)) == {}


@given(data=st.data(), history=histories(size=14, conflicting=True))
def test_the_figures_are_those_worked_out_by_hand(data: st.DataObject, history: History) -> None:
    """Amounts, prices, units, attempts, successes and latencies agree with plain Python, to the last digit."""
    with companies() as company:
        engine = data.draw(arrivals(history)).into(company(), history.books).engine
        truth = Truth(history.events, (*history.events, *history.conflicts), history.books)
        assert stored_amounts(engine) == truth.amounts()
        assert stored_prices(engine) == truth.priced()
        assert stored_openings(engine) == truth.opened()
        assert stored_unit_days(engine) == truth.unit_days()
        assert stored_latencies(engine) == truth.latencies()
        duplicates = engine.value("SELECT coalesce(sum(duplicates), 0) FROM rollup")
        assert duplicates == len(history.repeats)


@given(data=st.data(), history=histories(size=14))
def test_measures_count_each_event_as_often_as_its_weight_says(data: st.DataObject, history: History) -> None:
    """Sums of sampled, whole and unweighted facts agree with plain Python to the last digit, in any order."""
    names = ("events", "cpu_seconds", "attempts", "units", "unweighted_events")
    with companies() as make:
        company = data.draw(arrivals(history)).into(make(), history.books)
        truth = Truth(history.events, history.events, history.books)
        for unit in ("order", "user"):
            rows = run_query(company.engine, company.contract, Query(names, unit=unit)).rows
            expected = truth.weighted(unit)
            if any(expected.values()):
                assert {name: rows[0].values[name] for name in names} == expected


@given(data=st.data(), history=histories())
def test_a_replay_gives_what_the_prices_then_give(data: st.DataObject, history: History) -> None:
    """Any history under its first book, replayed under the second: the sums that the second then leaves."""
    assume(len(history.books) == 2)
    sums = (
        "SELECT c.currency, c.event_type, p.cell_id, p.kind, p.meter, p.resource, p.rate_id, p.currency AS priced_in, "
        "sum(p.usage_events), sum(p.quantity), sum(p.amount) FROM rollup_priced p JOIN cells c USING (cell_id) "
        "GROUP BY ALL ORDER BY ALL"
    )
    with companies() as make:
        company = data.draw(arrivals(history)).into(make(), history.books[:1])
        stored = told(company.engine)
        with replayed(company.engine, company.contract, history.books, NOW, Window(None, None)):
            replay, moved = company.engine.rows(sums), changes_past(company.engine)
        assert told(company.engine) == stored
        before = company.engine.rows(sums)
        shown = company.engine.rows("SELECT * FROM segment_values ORDER BY ALL")
        company.price(*history.books)
        # A value that only the new prices name is shown from then on, which makes other cells of the same events.
        assume(company.engine.rows("SELECT * FROM segment_values ORDER BY ALL") == shown)
        assert company.engine.rows(sums) == replay
        amounts = [[(*row[:6], row[-1]) for row in rows] for rows in (before, replay)]
        assert (moved is None) <= (amounts[0] == amounts[1])


@given(data=st.data(), history=histories())
def test_parts_sum_to_the_whole(data: st.DataObject, history: History) -> None:
    """Hours sum to days and segments to the total; values beyond the limit are one, unless a rate names them."""
    with companies() as company:
        engine = data.draw(arrivals(history)).into(company(), history.books).engine
        total = engine.rows(
            f"SELECT currency, {_sums('e')} FROM events e JOIN cells c USING (cell_id) GROUP BY 1 ORDER BY 1"
        )
        for by in ("window_start", "date_trunc('day', window_start)", *(f"shown_{d}" for d in DIMENSIONS)):
            parts = engine.rows(
                f"SELECT currency, {_sums('p')} FROM (SELECT c.currency, {by} AS part, {_sums('r')} "
                f"FROM rollup r JOIN cells c USING (cell_id) GROUP BY ALL) p GROUP BY 1 ORDER BY 1"
            )
            assert parts == total
        rates = history.books[-1].rates if history.books else ()
        for dimension in DIMENSIONS:
            shown = {
                v for (v,) in engine.rows(f"SELECT DISTINCT shown_{dimension} FROM rollup JOIN cells USING (cell_id)")
            }
            named = {value for each in rates if (value := each.conditions.get(dimension)) is not None}
            assert len(shown - named - {None, "__other__"}) <= LIMIT


@given(data=st.data(), history=histories())
def test_no_price_is_not_a_price_of_zero(data: st.DataObject, history: History) -> None:
    """Usage without a price is counted as unpriced, has no amount at all, and needs none where the contract says so."""
    with companies() as company:
        engine = data.draw(arrivals(history)).into(company(), history.books).engine
        truth = Truth(history.events, history.events, history.books)
        without = sum(int(value) for key, value in truth.priced().items() if "unpriced" in key)
        unpriced = engine.rows(
            "SELECT coalesce(sum(usage_events), 0), count(amount), count(*) FILTER (meter = 'reviews') "
            "FROM rollup_priced WHERE rate_id IS NULL"
        )
        assert unpriced == [(without, 0, 0)]
        assert engine.value("SELECT count(*) FROM rollup_priced WHERE rate_id IS NOT NULL AND amount IS NULL") == 0


def _sums(alias: str) -> str:
    return ", ".join(f"sum({alias}.{account}) AS {account}" for account in ACCOUNTS)


def stored_amounts(engine: Engine) -> dict[tuple[Any, ...], Any]:
    """As `Truth.amounts`."""
    rows = engine.rows(
        f"SELECT date_trunc('day', f.window_start)::TIMESTAMP, {SHOWN}, c.event_type, c.outcome, c.currency, "
        f"sum(f.events), {_sums('f')} FROM rollup f JOIN cells c USING (cell_id) GROUP BY ALL"
    )
    # Cells that differ only in masks or source are one here.
    return _merged((row[:7], row[7:]) for row in rows)


def stored_prices(engine: Engine) -> dict[tuple[Any, ...], Any]:
    """As `Truth.priced`."""
    rows = engine.rows(
        f"SELECT date_trunc('day', f.window_start)::TIMESTAMP, {SHOWN}, "
        "CASE WHEN f.rate_id IS NULL THEN 'unpriced' ELSE f.kind END, f.meter, f.currency, "
        "CASE WHEN f.rate_id IS NULL THEN f.usage_events ELSE f.amount END "
        "FROM rollup_priced f JOIN cells c USING (cell_id)"
    )
    return {key: amount for key, (amount,) in _merged((row[:7], row[7:]) for row in rows).items()}


def stored_openings(engine: Engine) -> dict[tuple[Any, ...], int]:
    """As `Truth.opened`."""
    return {
        (hour, unit, weight): opened
        for hour, unit, weight, opened in engine.rows(
            "SELECT date_trunc('hour', window_start)::TIMESTAMP, unit_type, weight, sum(opened) AS n FROM rollup_units "
            "GROUP BY ALL HAVING n <> 0"
        )
    }


def stored_unit_days(engine: Engine) -> dict[tuple[Any, ...], Any]:
    """As `Truth.unit_days`."""
    rows = engine.rows(
        "SELECT day, unit_type, unit_key, currency, events, attempts, successes, revenue, unpriced FROM unit_days"
    )
    return _merged((row[:4], row[4:]) for row in rows)


def stored_latencies(engine: Engine) -> dict[tuple[Any, ...], int]:
    """As `Truth.latencies`."""
    rows = engine.rows(
        f"SELECT f.day, {SHOWN}, f.bucket, f.observations FROM rollup_latency f JOIN cells c USING (cell_id)"
    )
    return {key: count for key, (count,) in _merged((row[:5], row[5:]) for row in rows).items()}


def _merged(rows: Any) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    grouped: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for key, values in rows:
        grouped[key].append(values)
    return {key: tuple(add(*column) for column in zip(*parts, strict=True)) for key, parts in grouped.items()}
