"""A weight says how many stand behind a sampled row: it is read, refused, guarded, and makes no old cell another."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.facts.said import table_contract
from tests.invariants.company import CONTRACT, NOW, Company, clock
from tests.live.arriving import door_rows

from perunit import pipeline
from perunit.contract.shape import Contract
from perunit.engine.duckdb import Engine
from perunit.facts.arrivals import Arrival
from perunit.facts.cells import SURPLUS, WEIGHTS_MAX, guard_weights
from perunit.facts.quarantine import Selection
from perunit.feed import Feed

if TYPE_CHECKING:
    from pathlib import Path


def under(weight: str | None, **more: str) -> Contract:
    """The company's contract with this weight for every event type."""
    contract = deepcopy(CONTRACT)
    for event in contract["events"].values():
        event.pop("weight")
        event.update({"weight": weight} if weight else {}, **more)
    return Contract.model_validate(contract)


def line(name: str, extensions: dict[str, Any] | None = None, minutes: int = 0, **data: Any) -> str:
    """One event of a user's visit as it is sent."""
    time = f"2026-03-01T{minutes // 60:02d}:{minutes % 60:02d}:00Z"
    sent = {"specversion": "1.0", "id": name, "source": "shop", "type": "user.visited", "time": time}
    return json.dumps(sent | (extensions or {}) | {"data": {"user_id": "u1", **data}})


def weights(company: Company) -> dict[str, Decimal | None]:
    """Event → the weight of its cell."""
    return dict(company.engine.rows("SELECT id, weight FROM events JOIN cells USING (cell_id)"))


def test_a_weight_is_what_its_expression_gives(tmp_path: Path) -> None:
    """A number as it is, null where nothing is said, 1 only where 1 is said."""
    company = Company(tmp_path, contract=under("data.weight"))
    company.deliver([line("a", weight="9.999389685688126717"), line("b"), line("c", weight=1), line("d", weight=2.5)])
    assert weights(company) == {
        "a": Decimal("9.999389685688126717"),
        "b": None,
        "c": Decimal(1),
        "d": Decimal("2.5"),
    }


def test_the_sample_rate_of_cloudevents_is_the_weight(tmp_path: Path) -> None:
    """Where the contract says nothing of weights, an event says for how many it stands, and otherwise is one of one."""
    company = Company(tmp_path, contract=under(None))
    company.deliver([line("a", {"sampledrate": 10}), line("b"), line("c", {"sampledrate": 0})])
    assert weights(company) == {"a": Decimal(10), "b": Decimal(1)}
    refused = company.engine.rows("SELECT rule, place, got FROM quarantine")
    assert refused == [("weight", "sampledrate", "0")]


@pytest.mark.parametrize("weight", ["0.5", "0", "-1", "many", "1e30", "nan", "inf"])
def test_what_is_no_weight_refuses_its_row(tmp_path: Path, weight: str) -> None:
    """Below 1, beyond 2^56 or no number: the row waits in quarantine with the rule and the mend."""
    company = Company(tmp_path, contract=under("data.weight"))
    company.deliver([line("a", weight=weight), line("b", weight="1")])
    assert weights(company) == {"b": Decimal(1)}
    [(rule, got, expected)] = company.engine.rows("SELECT rule, got, expected FROM quarantine")
    assert (rule, got) == ("weight", weight)
    assert "1 ÷ the probability" in expected


def test_a_weight_of_one_makes_no_other_cell(tmp_path: Path) -> None:
    """Cells of before there were weights keep their number; 2 and unknown are others."""
    plain, weighed = (Company(tmp_path, contract=under(w)) for w in (None, "data.weight"))
    plain.deliver([line("a")])
    weighed.deliver([line("a", weight=1), line("b", weight=2), line("c")])
    hashes = "SELECT weight, cell_hash FROM cells"
    [(_, before)] = plain.engine.rows(hashes)
    after = dict(weighed.engine.rows(hashes))
    assert after[Decimal(1)] == before
    assert len(set(after.values())) == 3


def test_what_was_sampled_together_is_kept_of_sampled_rows_only(tmp_path: Path) -> None:
    """A trace id decides nothing where nothing was left out, and is not stored there."""
    company = Company(tmp_path, contract=under("data.weight", sampled_by="data.trace"))
    company.deliver([line("a", weight=10, trace="t1"), line("b", weight=1, trace="t2"), line("c", trace="t3")])
    assert dict(company.engine.rows("SELECT id, sampled_by FROM events")) == {"a": "t1", "b": None, "c": None}


def test_a_source_has_weights_too(tmp_path: Path) -> None:
    """The mapping of a table gives weight and sampled_by by expressions over its columns."""
    event = {
        "id": "id", "time": "at", "type": "'user.visited'", "units": {"user": "who"}, "weight": "1 / p",
        "sampled_by": "trace",
    }  # fmt: skip
    source = {"visits": {"format": "csv", "event": event}}
    company = Company(tmp_path, contract=Contract.model_validate(CONTRACT | {"sources": source}))
    file = tmp_path / "visits.csv"
    file.write_text("id,at,who,p,trace\na,2026-03-01T00:00:00Z,u1,0.25,t1\nb,2026-03-01T00:00:00Z,u1,,t2\n")
    company.ingest(file, source="visits")
    rows = company.engine.rows("SELECT id, weight, sampled_by FROM events JOIN cells USING (cell_id) ORDER BY id")
    assert rows == [("a", Decimal(4), "t1"), ("b", None, None)]


def test_a_span_has_the_weight_of_its_threshold_and_errs_with_its_trace(tmp_path: Path) -> None:
    """Through the door for spans: by its trace state, unknown without one, 1 where it says that it is always kept."""
    mapping = {"id": None, "time": None, "type": "'call'", "amounts": {}, "units": {"order": "attributes['order.id']"}}
    company = Company(tmp_path, contract=table_contract("otlp_spans", {}, **mapping))
    pipeline.start(company.project(), company.engine, clock)
    said = {1: "9.999389685688126717", 2: None, 3: "1"}
    spans = [
        {
            "trace_id": f"{number:032x}", "span_id": f"{number:016x}", "name": "call", "kind": "server", "status": "ok",
            "start_time": NOW.replace(tzinfo=None), "end_time": NOW.replace(tzinfo=None), "resource": {},
            "attributes": {"order.id": f"o{number}"}, "weight": weight and Decimal(weight),
        }
        for number, weight in said.items()
    ]  # fmt: skip
    feed = Feed(company.project(), company.engine, clock)
    [outcome] = feed.take_in([Arrival("shop", door_rows("otlp_spans", spans), "otlp")])
    assert outcome.accepted == 3
    rows = company.engine.rows(
        "SELECT unit_order, weight, sampled_by FROM events JOIN cells USING (cell_id) ORDER BY 1"
    )
    assert rows == [("o1", Decimal("9.999389685688126717"), f"{1:032x}"), ("o2", None, None), ("o3", 1, None)]


def test_a_unit_has_the_least_weight_of_its_events(tmp_path: Path) -> None:
    """Whichever comes first, in one batch or several; unknown weights count only where there is no other."""
    company = Company(tmp_path, contract=under("data.weight"))
    company.deliver(
        [line("a", user_id="x", weight=10), line("b", user_id="y", weight=1), line("c", user_id="z")],
        [line("d", user_id="x", weight=2), line("e", user_id="y", weight=4), line("f", user_id="z", weight=8)],
    )
    found = {"x": Decimal(2), "y": Decimal(1), "z": Decimal(8)}
    assert dict(company.engine.rows("SELECT unit_key, weight FROM units")) == found
    opened = "SELECT weight, sum(opened) FROM rollup_units GROUP BY 1 HAVING sum(opened) <> 0 ORDER BY 1"
    assert company.engine.rows(opened) == [(Decimal(1), 1), (Decimal(2), 1), (Decimal(8), 1)]
    assert all(finding.holds for finding in pipeline.verify(company.project(), company.engine))


def test_one_weight_too_many_is_quarantined_and_can_come_back(tmp_path: Path) -> None:
    """Samplers have few thresholds: the row beyond them names the mend, and is accepted once weights are rounded."""
    company = Company(tmp_path, contract=under("data.weight"))
    lines = [line(f"e{n}", minutes=n, weight=f"{n + 2}.5") for n in range(WEIGHTS_MAX + 1)]
    company.deliver(lines)
    [(rule, got, expected)] = company.engine.rows("SELECT rule, got, expected FROM quarantine")
    assert (rule, Decimal(got)) == ("weights", WEIGHTS_MAX + Decimal("2.5"))
    assert "round the thresholds of the sampler" in expected
    company.deliver([line("again", weight="2.5")])
    assert company.engine.value("SELECT count(*) FROM events") == WEIGHTS_MAX + 1
    company.contract = under("2.5")
    [report] = pipeline.replay(company.project(), company.engine, Selection(), clock=clock)
    assert (report.accepted, report.rejected) == (1, 0)


def test_the_guard_leaves_weights_that_are_known(tmp_path: Path) -> None:
    """Only new weights count against the limit, the earliest ones first."""
    engine = Engine()
    engine.execute("CREATE TABLE cells AS SELECT CAST(3 AS DECIMAL(38, 18)) AS weight")
    engine.execute(
        "CREATE TEMP TABLE staged AS SELECT *, CAST(NULL AS SMALLINT) AS reject FROM (VALUES "
        "(3::DECIMAL(38, 18), TIMESTAMP '2026-03-03'), (5, TIMESTAMP '2026-03-02'), (4, TIMESTAMP '2026-03-01'), "
        "(1, TIMESTAMP '2026-03-01')) AS t(weight, event_time)"
    )
    guard_weights(engine, 2)
    rows = engine.rows("SELECT CAST(weight AS INTEGER), reject FROM staged ORDER BY 1")
    assert rows == [(1, None), (3, None), (4, None), (5, SURPLUS)]
