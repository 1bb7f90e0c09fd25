"""Samples of Prometheus through the one writer: growth becomes usage exactly once, whatever is sent again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.facts.said import table_contract
from tests.invariants.company import NOW, START, Company, clock
from tests.live.arriving import opened, waiting_together

from perunit import pipeline
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.samples import Samples
from perunit.facts.quarantine import Selection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from perunit.engine.duckdb import Engine

MAPPING: dict[str, Any] = {
    "id": None, "time": None, "type": "'pod.used'", "amounts": {}, "units": {"order": "labels['order']"},
    "segments": {"region": "labels['region']"}, "usage": {"cpu_seconds": "increase", "reviews": "held"},
}  # fmt: skip
MATCH = {"match": "metric = 'cpu_total' and labels['order'] <> 'none'"}


def samples(*given: tuple[str, float, str | None], metric: str = "cpu_total", within: Any = None) -> Arrival:
    """Samples (order, seconds, value) that came at once."""
    collected = Samples()
    for order, seconds, value in given:
        collected.open(metric, {"order": order, "region": "eu"})
        collected.add(int((START + timedelta(seconds=seconds)).timestamp()) * 1_000_000, value)
    return Arrival("shop", collected.table(), "remote_write", within=within)


def company(folder: Path, **mapping: Any) -> Company:
    """A company whose source `shop` is a metric."""
    return Company(folder, table_contract("prometheus", MATCH, **{**MAPPING, **mapping}))


def used(company: Company) -> dict[str, Decimal]:
    """Order → its CPU seconds."""
    return dict(
        company.engine.rows(
            "SELECT unit_order, sum(usage_cpu_seconds) FROM events GROUP BY 1 HAVING sum(usage_cpu_seconds) IS NOT NULL"
        )
    )


def test_growth_is_usage_once_however_often_it_is_sent(tmp_path: Path) -> None:
    """Retries and late samples are duplicates; the sums are the counters' growth and all invariants hold."""
    shop = company(tmp_path)
    with opened(shop) as intake:
        first, second = (
            samples(("a", 0, "5"), ("b", 0, "1")),
            samples(("a", 15, "9.5"), ("b", 15, "1"), ("a", 30, "12")),
        )
        outcomes = [intake.submit(each).result(30) for each in (first, second, first, second, samples(("a", 20, "11")))]
    assert [(each.received, each.accepted, each.duplicate, each.conflict) for each in outcomes] == [
        (2, 2, 0, 0), (3, 3, 0, 0), (2, 0, 2, 0), (3, 0, 3, 0), (1, 0, 1, 0),
    ]  # fmt: skip
    assert used(shop) == {"a": Decimal("7"), "b": Decimal(0)}
    assert shop.engine.value("SELECT sum(quantity) FROM rollup_usage WHERE meter = 'cpu_seconds'") == 7
    assert [each for each in pipeline.verify(shop.project(), shop.engine) if each.broken] == []


def test_samples_that_wait_together_count_one_after_the_other(tmp_path: Path) -> None:
    """Also when the same batch waits twice."""
    shop = company(tmp_path)
    with opened(shop) as intake:
        with waiting_together(intake):
            batches = [samples(("a", 0, "5")), samples(("a", 15, "8")), samples(("a", 15, "8"))]
            futures = [intake.submit(each) for each in batches]
        assert [(each.accepted, each.duplicate) for each in (future.result(30) for future in futures)] == [
            (1, 0), (1, 0), (0, 1),
        ]  # fmt: skip
    assert used(shop) == {"a": Decimal(3)}


def failing() -> Callable[[Engine], None]:
    """What breaks a transaction the first time it is run in it."""
    tries = iter([RuntimeError("the disk is full")])

    def fail(_: Engine) -> None:
        if (error := next(tries, None)) is not None:
            raise error

    return fail


def test_growth_of_a_batch_that_was_rolled_back_is_counted_when_it_comes_again(tmp_path: Path) -> None:
    """Its state went with its rows."""
    shop = company(tmp_path)
    with opened(shop) as intake:
        intake.submit(samples(("a", 0, "5"))).result(30)
        lost = samples(("a", 15, "8"), within=failing())
        with pytest.raises(RuntimeError, match="disk"):
            intake.submit(lost).result(30)
        assert intake.submit(lost).result(30).accepted == 1
    assert used(shop) == {"a": Decimal(3)}


def test_what_is_no_number_is_refused_by_itself(tmp_path: Path) -> None:
    """With its reason, while its neighbours count; a series that ended is accepted without usage."""
    shop = company(tmp_path)
    with opened(shop) as intake:
        found = intake.submit(
            samples(("a", 0, "5"), ("a", 15, "NaN"), ("a", 30, "6"), ("b", 0, "1e30"), ("a", 45, None))
        )
        outcome = found.result(30)
    assert [(each.position, each.rule, each.place, each.got) for each in outcome.problems] == [
        (1, "type", "value", "NaN"), (3, "type", "value", "1e30"),
    ]  # fmt: skip
    assert outcome.accepted == 3
    assert used(shop) == {"a": Decimal(1)}


def test_a_refused_row_carries_its_growth_to_its_replay(tmp_path: Path) -> None:
    """Later samples count from it on, so its own growth waits with it in quarantine."""
    shop = company(tmp_path, outcome="labels['region']")
    with opened(shop) as intake:
        intake.submit(samples(("a", 0, "5"), ("a", 15, "8"))).result(30)
    assert used(shop) == {}
    shop.grow(table_contract("prometheus", MATCH, **MAPPING))
    assert pipeline.replay(shop.project(), shop.engine, Selection(), clock=clock)[0].accepted == 2
    assert used(shop) == {"a": Decimal(3)}
    with opened(shop) as intake:
        intake.submit(samples(("a", 30, "9"))).result(30)
    assert used(shop) == {"a": Decimal(4)}


def test_rows_that_are_not_the_sources_are_ignored_and_leave_no_trace(tmp_path: Path) -> None:
    """A Prometheus sends all it has."""
    shop = company(tmp_path)
    with opened(shop) as intake:
        outcome = intake.submit(samples(("a", 0, "5"), ("a", 15, "6"), metric="other_total")).result(30)
    assert (outcome.received, outcome.ignored) == (0, 2)
    assert shop.engine.value("SELECT count(*) FROM series") == 0


def labelled(folder: Path) -> Company:
    """A company whose samples say their pod, and whose pods' labels come with another metric."""
    more = {"labels_from": {"metric": "kube_pod_labels", "on": ["namespace", "pod"]}, "match": "metric = 'cpu_total'"}
    mapping = MAPPING | {"units": {"order": "labels['label_order']"}, "segments": {"region": "labels['job']"}}
    return Company(folder, table_contract("prometheus", more, **mapping))


def pods(*given: tuple[str, dict[str, str], float, str]) -> Arrival:
    """Samples (metric, labels, seconds, value) that came at once."""
    collected = Samples()
    for metric, labels, seconds, value in given:
        collected.open(metric, {"namespace": "n", **labels})
        collected.add(int((START + timedelta(seconds=seconds)).timestamp()) * 1_000_000, value)
    return Arrival("shop", collected.table(), "scrape")


def test_labels_of_another_metric_say_whose_a_sample_is(tmp_path: Path) -> None:
    """From the same batch or an earlier one; the newest stand, the sample's own before them, other pods have none."""
    shop = labelled(tmp_path)
    with opened(shop) as intake:

        def take(*given: tuple[str, dict[str, str], float, str]) -> None:
            intake.submit(pods(*given)).result(30)

        take(
            ("cpu_total", {"pod": "p", "job": "cadvisor"}, 0, "1"),
            ("cpu_total", {"pod": "q", "job": "cadvisor"}, 0, "1"),
            ("kube_pod_labels", {"pod": "p", "job": "ksm", "label_order": "o-1"}, 0, "1"),
        )
        take(("cpu_total", {"pod": "p", "job": "cadvisor"}, 10, "3"), ("cpu_total", {"pod": "q"}, 10, "5"))
        take(("kube_pod_labels", {"pod": "p", "job": "ksm", "label_order": "o-2"}, 20, "1"))
        take(("kube_pod_labels", {"pod": "p", "job": "ksm", "label_order": "old"}, 5, "1"))
        take(("cpu_total", {"pod": "p", "job": "cadvisor"}, 20, "10"))
    rows = "SELECT unit_order, segment_region, sum(usage_cpu_seconds) FROM events JOIN cells USING (cell_id)"
    assert shop.engine.rows(f"{rows} WHERE usage_cpu_seconds IS NOT NULL GROUP BY ALL ORDER BY ALL") == [
        ("o-1", "cadvisor", Decimal(2)), ("o-2", "cadvisor", Decimal(7)),
    ]  # fmt: skip
    assert shop.engine.value("SELECT count(*) FROM label_sets") == 1
    assert shop.engine.value("SELECT count(*) FROM series") == 3


def test_a_series_of_which_nothing_comes_is_forgotten_after_a_month(tmp_path: Path) -> None:
    """Its next sample is the first one again; what came lately is kept."""
    shop = company(tmp_path)
    with opened(shop) as intake:
        lately = (NOW - START).total_seconds() - 60
        intake.submit(samples(("old", -86_400, "5"), ("new", lately, "5"))).result(30)
    with opened(shop) as intake:
        found = intake.submit(samples(("old", lately, "9"), ("new", lately + 10, "6"))).result(30)
    assert found.accepted == 2
    assert used(shop) == {"new": Decimal(1)}
