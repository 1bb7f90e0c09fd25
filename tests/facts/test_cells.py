"""Segments without bound are held to a limit, and a contract that changes keeps what was known."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.invariants.company import CONTRACT, DIMENSIONS, START, Company, Event, book, numbers, rate
from tests.invariants.told import differences, told

from perunit.contract.shape import Contract

if TYPE_CHECKING:
    from pathlib import Path


def sale(name: str, hours: float = 0, **given: Any) -> Event:
    """An order of one currency unit, some hours after the start."""
    time = START + timedelta(hours=hours)
    return Event(name, "order.completed", time, recorded=time, numbers=numbers(total="1"), **given)


def shown(company: Company, dimension: str = "plan") -> dict[str | None, int]:
    """Shown value → events, from the rollup."""
    return dict(
        company.engine.rows(
            f"SELECT shown_{dimension}, sum(events) FROM rollup JOIN cells USING (cell_id) GROUP BY 1 ORDER BY 1"
        )
    )


def test_the_first_values_are_shown_and_the_rest_are_other(tmp_path: Path) -> None:
    """By the time of their events; absent stays absent, and is no value."""
    company = Company(tmp_path)
    company.deliver(
        [sale(f"e{hour}", hour, plan=plan).line() for hour, plan in enumerate(["a", None, "b", "c", "a", "d"])]
    )
    assert shown(company) == {"a": 2, "b": 1, "__other__": 2, None: 1}


def test_a_hidden_value_stays_hidden_in_a_new_combination(tmp_path: Path) -> None:
    """A value beyond the limit does not come back under another event type, channel or outcome."""
    company = Company(tmp_path)
    company.deliver([sale(f"e{hour}", hour, plan=plan).line() for hour, plan in enumerate("abc")])
    attempt = Event("later", "order.attempted", START + timedelta(hours=50), plan="c", outcome="failure")
    company.deliver([attempt.line()])
    assert shown(company) == {"a": 1, "b": 1, "__other__": 2}


def test_an_earlier_event_moves_who_is_shown(tmp_path: Path) -> None:
    """An event that comes late but happened first shows its value, in the sums of before too."""
    company = Company(tmp_path)
    company.deliver([sale(f"e{hour}", hour, plan=plan).line() for hour, plan in enumerate("abc", 5)])
    company.deliver([sale("first", 0, plan="z").line()])
    assert shown(company) == {"z": 1, "a": 1, "__other__": 2}


def test_a_value_that_a_rate_names_is_shown(tmp_path: Path) -> None:
    """Beyond the limit too, because a price must be seen; without the rate it is one of the others again."""
    company = Company(tmp_path)
    company.deliver([sale(f"e{hour}", hour, region=region).line() for hour, region in enumerate("abcd")])
    assert shown(company, "region") == {"a": 1, "b": 1, "__other__": 2}
    company.price(book(1, rate(1, "cpu_seconds", "1", region="d")))
    assert shown(company, "region") == {"a": 1, "b": 1, "d": 1, "__other__": 1}
    company.price(book(2, rate(1, "cpu_seconds", "1")))
    assert shown(company, "region") == {"a": 1, "b": 1, "__other__": 2}


def test_a_value_called_other_is_one_of_the_others(tmp_path: Path) -> None:
    """Real data may hold the word; it is summed with the values beyond the limit and nothing is lost."""
    company = Company(tmp_path)
    company.deliver(
        [sale(f"e{hour}", hour, plan=plan).line() for hour, plan in enumerate(["__other__", "a", "b", "c"])]
    )
    assert shown(company) == {"__other__": 3, "a": 1}


def test_a_new_dimension_leaves_the_old_cells_as_they_are(tmp_path: Path) -> None:
    """After the contract grows and after it shrinks, an event is stored once and figures stay additive."""
    company = Company(tmp_path)
    company.deliver(
        [sale("e1", plan="a").line(), sale("e2", plan="a", region="x").line(), sale("e3", plan="a", region="y").line()]
    )
    grown: dict[str, Any] = deepcopy(CONTRACT)
    grown["units"]["order"]["segments"] = [*DIMENSIONS, "release"]
    company.grow(Contract.model_validate(grown))
    company.deliver([sale("e4", plan="a").line()])
    shrunk: dict[str, Any] = deepcopy(CONTRACT)
    shrunk["units"]["order"]["segments"] = ["plan"]
    company.grow(Contract.model_validate(shrunk))
    report = company.deliver([sale("e5", plan="a", region="x").line()])[0]
    assert (report.received, report.accepted) == (1, 1)
    assert company.engine.rows("SELECT count(*), sum(revenue) FROM events") == [(5, 5)]
    assert shown(company) == {"a": 5}


def test_a_stale_rollup_is_made_good_by_the_next_run(tmp_path: Path) -> None:
    """Where a run died after the shown values changed and before the sums were made anew, the next one does it."""
    company = Company(tmp_path)
    company.deliver([sale(f"e{hour}", hour, plan=plan).line() for hour, plan in enumerate("abc", 5)])
    whole = told(company.engine)
    company.engine.execute("DELETE FROM rollup WHERE cell_id IN (SELECT min(cell_id) FROM rollup)")
    company.engine.execute("UPDATE store_state SET value = '9' WHERE key = 'changes'")
    company.price()
    assert differences(whole, told(company.engine)) == {}
    assert company.engine.value("SELECT count(*) FROM store_state WHERE value = 'true'") == 0
