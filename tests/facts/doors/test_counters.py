"""What counters have grown by and gauges have held, whatever is sent again, in whatever order."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perunit.engine.duckdb import Engine
from perunit.facts.doors import counters
from perunit.facts.files import Group
from perunit.store.project_store import create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START = datetime(2026, 9, 1, tzinfo=UTC)
LATEST = START + timedelta(days=1)
HOLD_SECONDS = 300

Sample = tuple[str, int, str | None]


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An empty store."""
    made = Engine(threads=1)
    create_tables(made)
    yield made
    made.close()


def arrived(samples: Sequence[Sample], starts: Sequence[int | None] | None = None) -> pa.Table:
    """Samples (series letter, second, value) as rows; `starts` are the seconds at which their counters started."""
    at = [START + timedelta(seconds=second) for _, second, _ in samples]
    begun = [None if second is None else START + timedelta(seconds=second) for second in starts or [None] * len(at)]
    return pa.table(
        {
            "position": pa.array(range(len(samples)), pa.int64()),
            "series": pa.array([f"{ord(name):032x}" for name, _, _ in samples], pa.string()),
            "metric": pa.array([name for name, _, _ in samples], pa.string()),
            "time": pa.array(at, pa.timestamp("us", "UTC")).cast(pa.timestamp("us")),
            "start_time": pa.array(begun, pa.timestamp("us", "UTC")).cast(pa.timestamp("us")),
            "value": pa.array([value for _, _, value in samples], pa.string()),
            "increase": pa.nulls(len(samples), pa.string()),
        }
    )


def take(
    engine: Engine, rows: pa.Table, *, source: str = "shop", match: str = "true", committed: bool = True
) -> list[dict[str, Any]]:
    """Counts rows, and keeps what is known then unless the process is said to have died before."""
    group = Group(0, "digest", 0, 0, lambda engine: engine.register(counters.ARRIVED, rows))
    engine.execute("CREATE OR REPLACE TEMP TABLE counted_already (position BIGINT)")
    engine.execute("DROP TABLE IF EXISTS temp.incoming")
    counters.counted(group, source, match, LATEST, HOLD_SECONDS).attach(engine)
    if committed:
        with engine.transaction():
            counters.keep(engine, source)
    return engine.records(
        "SELECT metric, increase, held, position IN (FROM counted_already) AS repeated FROM incoming ORDER BY position"
    )


def increases(found: list[dict[str, Any]]) -> list[str]:
    """Each row's increase as short text; "again" for a duplicate."""
    return [
        "again" if row["repeated"] else "unknown" if row["increase"] is None else f"{row['increase'].normalize():f}"
        for row in found
    ]


def held(found: list[dict[str, Any]]) -> list[str]:
    """What each row has held, as short text."""
    return ["unknown" if row["held"] is None else f"{row['held'].normalize():f}" for row in found]


def test_growth_is_the_difference_and_a_reset_counts_from_zero(engine: Engine) -> None:
    """The first sample ever is unknown, not its whole value; below the last one it began anew."""
    found = take(engine, arrived([("a", 0, "100"), ("a", 15, "103.5"), ("a", 30, "2"), ("a", 45, "2")]))
    assert increases(found) == ["unknown", "3.5", "2", "0"]
    assert increases(take(engine, arrived([("a", 60, "7"), ("b", 60, "9")]))) == ["5", "unknown"]


def test_what_comes_again_or_late_is_a_duplicate(engine: Engine) -> None:
    """Its growth is already part of a later sample's, so it has none of its own and changes nothing."""
    batch = arrived([("a", 0, "1"), ("a", 15, "4"), ("a", 15, "4")])
    assert increases(take(engine, batch)) == ["unknown", "3", "again"]
    assert increases(take(engine, batch)) == ["again", "again", "again"]
    assert increases(take(engine, arrived([("a", 10, "2"), ("a", 20, "6")]))) == ["again", "2"]


def test_a_batch_that_was_not_committed_counts_whole_the_next_time(engine: Engine) -> None:
    """The state moves with the rows, never before them."""
    take(engine, arrived([("a", 0, "1")]))
    lost = arrived([("a", 15, "4")])
    assert increases(take(engine, lost, committed=False)) == ["3"]
    assert increases(take(engine, lost)) == ["3"]
    assert increases(take(engine, lost)) == ["again"]


def test_samples_of_one_batch_count_in_the_order_of_their_times(engine: Engine) -> None:
    """However they lie in it."""
    assert increases(take(engine, arrived([("a", 30, "9"), ("a", 0, "1"), ("a", 15, "4")]))) == ["5", "unknown", "3"]


def test_a_counter_that_says_when_it_started_is_known_from_its_first_sample(engine: Engine) -> None:
    """Within the hold; one that had run for long before it was first seen stays unknown. A later start is a reset."""
    found = take(engine, arrived([("a", 60, "5"), ("b", 600, "5")], starts=[0, 0]))
    assert increases(found) == ["5", "unknown"]
    assert increases(take(engine, arrived([("a", 120, "8")], starts=[90]))) == ["8"]
    assert increases(take(engine, arrived([("a", 180, "9")], starts=[90]))) == ["1"]


def test_what_is_no_number_is_left_to_be_refused_and_changes_nothing(engine: Engine) -> None:
    """NaN, infinity and what has more than 21 digits before the point."""
    take(engine, arrived([("a", 0, "1")]))
    found = take(engine, arrived([("a", 15, "NaN"), ("a", 30, "+Inf"), ("a", 45, "1e30"), ("a", 60, "4")]))
    assert increases(found) == ["unknown", "unknown", "unknown", "3"]


def test_a_sample_from_the_future_does_not_make_the_present_late(engine: Engine) -> None:
    """It is refused by its time elsewhere."""
    take(engine, arrived([("a", 0, "1")]))
    assert increases(take(engine, arrived([("a", 10**6, "1000")]))) == ["unknown"]
    assert increases(take(engine, arrived([("a", 15, "4")]))) == ["3"]


def test_only_what_is_the_sources_is_tracked(engine: Engine) -> None:
    """Rows that match leaves out leave no trace; values compare as decimals; a match that raises leaves out too."""
    rows = arrived([("a", 0, "1"), ("b", 0, "1"), ("c", 0, "x")])
    take(engine, rows, match="CASE metric WHEN 'a' THEN value > 0.5 WHEN 'b' THEN CAST(metric AS INTEGER) = 1 END")
    assert engine.value("SELECT count(*) FROM series") == 1


def test_two_sources_count_the_same_series_each_for_itself(engine: Engine) -> None:
    """Each takes its rows in its own transaction."""
    for source in ("shop", "ops"):
        assert increases(take(engine, arrived([("a", 0, "1"), ("a", 10, "3")]), source=source)) == ["unknown", "2"]
    assert engine.value("SELECT count(*) FROM series") == 2


def test_a_gauge_holds_what_it_showed_until_its_next_sample(engine: Engine) -> None:
    """4 for 15 s, then 10 for 30 s; the first sample has held nothing yet."""
    found = take(engine, arrived([("a", 0, "4"), ("a", 15, "10")]))
    assert held(found) == ["unknown", "60"]
    assert held(take(engine, arrived([("a", 45, "0.5"), ("a", 60, "1")]))) == ["300", "7.5"]


def test_a_gauge_that_ended_or_was_away_for_long_holds_nothing(engine: Engine) -> None:
    """The stale marker ends it at that time; what was in a gap longer than the hold nobody knows."""
    found = take(engine, arrived([("a", 0, "4"), ("a", 10, None), ("a", 20, "4"), ("a", 400, "4"), ("a", 410, "4")]))
    assert held(found) == ["unknown", "40", "unknown", "unknown", "40"]
    take(engine, arrived([("a", 420, None)]))
    assert held(take(engine, arrived([("a", 430, "4")]))) == ["unknown"]


def test_a_counter_that_ended_goes_on_where_it_stood(engine: Engine) -> None:
    """A target that was away for a while has grown meanwhile."""
    take(engine, arrived([("a", 0, "4"), ("a", 10, None)]))
    assert increases(take(engine, arrived([("a", 20, "6")]))) == ["2"]


def test_a_row_that_says_its_increase_keeps_it(engine: Engine) -> None:
    """Deltas need no state, and leave none."""
    rows = arrived([("a", 0, "5"), ("a", 0, "5")])
    rows = rows.set_column(6, "increase", pa.array(["5", "5"], pa.string()))
    assert increases(take(engine, rows)) == ["5", "5"]
    assert engine.value("SELECT count(*) FROM series") == 0


def test_extreme_values_do_not_stop_the_others(engine: Engine) -> None:
    """The largest and smallest numbers that are taken, one after the other."""
    most = "9" * 20
    found = take(engine, arrived([("a", 0, f"-{most}"), ("a", 10, most), ("b", 0, "1"), ("b", 10, "2")]))
    assert increases(found) == ["unknown", "199999999999999999998", "unknown", "1"]


GROWTH = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50), st.booleans()), min_size=1, max_size=25)


@settings(deadline=None, max_examples=40)
@given(GROWTH, st.data())
def test_every_unit_of_growth_counts_exactly_once(growth: list[tuple[str, int, bool]], data: st.DataObject) -> None:
    """Any cut into batches, each sent once or more and killed before its commit or not, sums to the growth."""
    samples, stands, expected = [], defaultdict(lambda: 0), defaultdict(lambda: 0)
    seen: set[str] = set()
    for second, (name, by, reset) in enumerate(growth):
        stands[name] = by if reset else stands[name] + by
        samples.append((name, second, str(stands[name])))
        # A reset shows only where the counter then stands below its last sample.
        if name in seen:
            before = [int(value) for each, _, value in samples[:-1] if each == name][-1]
            expected[name] += stands[name] - before if stands[name] >= before else stands[name]
        seen.add(name)
    engine, counted = Engine(threads=1), defaultdict(lambda: Decimal(0))
    create_tables(engine)
    while samples:
        size = data.draw(st.integers(1, len(samples)))
        batch, samples = data.draw(st.permutations(samples[:size])), samples[size:]
        take(engine, arrived(batch), committed=False)
        for _ in range(data.draw(st.integers(1, 2))):
            for row in take(engine, arrived(batch)):
                counted[row["metric"]] += row["increase"] or 0
    assert {name: int(sum_) for name, sum_ in counted.items() if sum_} == {k: v for k, v in expected.items() if v}
    engine.close()
