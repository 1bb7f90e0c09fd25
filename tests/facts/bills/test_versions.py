"""Bills are identified, versioned and never summed across currencies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perunit.contract.shape import Contract
from perunit.economics.attribute import allocate
from perunit.engine.duckdb import Engine
from perunit.engine.files import sql_text
from perunit.facts.bills import import_bill, list_bills

if TYPE_CHECKING:
    from pathlib import Path

# Times as the store keeps them: UTC, without a zone.
instant = datetime.fromisoformat

Table = Callable[..., str]
Load = Callable[..., Any]
Line = dict[str, str]
CONTRACT = Contract.model_validate(
    {
        "version": 1,
        "units": {"order": {"owner": "shop", "key": "order_id"}},
        "allocation": [
            {"name": "tagged", "match": "billed_cost > 1", "method": "direct", "unit": "order", "key": "resource_id"}
        ],
    }
)


def test_the_same_content_again_changes_nothing(engine: Engine, load: Load, line: Line, table: Table) -> None:
    """Also in another order of lines, from another file and at another time."""
    other = line | {"BilledCost": "2"}
    load(table(line, other))
    before = engine.rows("FROM bills"), engine.rows("FROM charges")
    (result,) = load(table(other, line), "again.csv", clock=lambda: datetime(2026, 12, 1, tzinfo=UTC))
    assert (result.status, result.bill_id, result.version, result.billed_difference) == ("unchanged", 1, 1, None)
    assert (engine.rows("FROM bills"), engine.rows("FROM charges")) == before


def test_other_content_supersedes_and_keeps_the_old(engine: Engine, load: Load, line: Line, table: Table) -> None:
    """A corrected bill is version 2; version 1 stays with its lines and the instant it ended."""
    load(table(line, line))
    (result,) = load(table(line), clock=lambda: datetime(2026, 12, 1, tzinfo=UTC))
    assert (result.status, result.bill_id, result.version) == ("restated", 2, 2)
    assert (result.billed_difference, result.effective_difference) == (Decimal("-1.5"), Decimal("-1.25"))
    old, new = list_bills(engine)
    assert (old.in_force, old.superseded_at, old.lines) == (False, instant("2026-12-01"), 2)
    assert (new.in_force, new.version, new.lines) == (True, 2, 1)
    assert engine.value("SELECT count(*) FROM charges WHERE bill_id = 1") == 2
    (back,) = load(table(line, line))
    assert (back.status, back.version, back.billed_difference) == ("restated", 3, Decimal("1.5"))


_COSTS = st.lists(st.sampled_from(["0.1", "-2", "3.000000000000000001", "1.5"]), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(_COSTS, min_size=1, max_size=5))
def test_replacing_is_importing_the_last_version_once(
    tmp_path: Path, line: Line, table: Table, versions: list[list[str]]
) -> None:
    """Whatever came before, what is in force and where its cost goes is what the last file alone would have given."""
    stores = []
    for files in (versions, versions[-1:]):
        engine = Engine(threads=1)
        engine.execute(sql_text("store", "schema"))
        engine.execute("INSERT INTO unit_types VALUES ('order', 0)")
        for costs in files:
            path = tmp_path / "bill.csv"
            path.write_text(table(*(line | {"BilledCost": cost, "EffectiveCost": cost} for cost in costs)), "utf-8")
            import_bill(engine, path, clock=lambda: datetime(2026, 11, 1, tzinfo=UTC))
        allocate(engine, CONTRACT)
        charges = "SELECT c.* EXCLUDE (bill_id) FROM charges c SEMI JOIN bills b ON b.bill_id = c.bill_id "
        stores.append(
            (
                sorted(map(str, engine.rows(f"{charges} AND b.superseded_at IS NULL"))),
                engine.rows("SELECT * EXCLUDE (bill_id) FROM allocations ORDER BY ALL"),
            )
        )
        engine.close()
    # The lines of equal content may stand in another order: what counts is that there are the same ones.
    assert stores[0][1] == stores[1][1]
    assert len(stores[0][0]) == len(stores[1][0]) == len(versions[-1])


def test_a_line_that_comes_twice_is_not_the_line_once(load: Load, line: Line, table: Table) -> None:
    """Identical lines are charges of their own; that is why lines have no key."""
    load(table(line))
    (result,) = load(table(line, line))
    assert (result.status, result.lines) == ("restated", 2)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("BillingCurrency", "EUR"),
        ("BillingAccountId", "acct-2"),
        ("InvoiceIssuerName", "Reseller"),
        ("BillingPeriodEnd", "2026-05-31T00:00:00Z"),
    ],
)
def test_a_file_holds_one_bill_per_identity(load: Load, line: Line, table: Table, column: str, value: str) -> None:
    """Source, account, currency and billing period make a bill; each has its own sum."""
    results = load(table(line, line, line | {column: value}))
    assert sorted(result.lines for result in results) == [1, 2]
    assert sorted(result.billed_cost for result in results) == [Decimal("1.5"), Decimal(3)]
    changed = load(table(line, line, line | {column: value, "BilledCost": "7"}))
    assert sorted(result.status for result in changed) == ["restated", "unchanged"]


def test_the_source_can_be_named(load: Load, line: Line, table: Table) -> None:
    """A given name stands for whoever sent the bill; without issuer the provider's name is taken."""
    (named,) = load(table(line), bill_source="reseller")
    assert named.bill_source == "reseller"
    (provided,) = load(table(line | {"InvoiceIssuerName": "", "ServiceProviderName": "Datadog"}))
    assert provided.bill_source == "Datadog"


def test_a_crash_while_storing_leaves_nothing(
    engine: Engine, load: Load, line: Line, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bill and lines are one transaction: what ends it in between takes both back."""
    insert = Engine.insert

    def failing(self: Engine, name: str, *rest: Any) -> None:
        insert(self, name, *rest)
        if name == "bills":
            raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "insert", failing)
    with pytest.raises(KeyboardInterrupt):
        load(table(line))
    monkeypatch.undo()
    assert list_bills(engine) == []
    (result,) = load(table(line))
    assert result.status == "imported"


SAMPLES = "focus-1.2-1.3-toolkit/generated"


@pytest.mark.parametrize(
    ("path", "billed"),
    [
        ("aws_1.2/focus_1_2_cost_and_usage_aws.csv", "18857.12462367903375"),
        ("aws_1.3/focus_1_3_cost_and_usage_aws.csv", "21680.581928138869135"),
        ("aws_1.4/synthetic_focus_1_4_cost_and_usage.csv", "21680.581928138869135"),
        ("azure_1.2/focus_1_2_cost_and_usage_azure.csv", "49321.10820024424"),
        ("azure_1.3/focus_1_3_cost_and_usage_azure.csv", "37603.158611616752"),
        ("azure_1.4/synthetic_focus_1_4_cost_and_usage.csv", "37603.158611616752"),
        ("gcp_1.2/focus_1_2_cost_and_usage_gcp.csv", "31758.2106338807835"),
        ("gcp_1.3/focus_1_3_cost_and_usage_gcp.csv", "20775.948943532903"),
        ("gcp_1.4/synthetic_focus_1_4_cost_and_usage.csv", "20775.948943532903"),
    ],
)
def test_samples_of_three_providers_sum_exactly(load: Load, shared_data: Path, path: str, billed: str) -> None:
    """Every digit of 1,000 lines of each version of the standard."""
    results = load(shared_data / SAMPLES / path)
    assert sum(result.billed_cost for result in results) == Decimal(billed)
    assert sum(result.lines for result in results) == 1000


def test_the_aws_sample_and_its_published_control_total(engine: Engine, load: Load, shared_data: Path) -> None:
    """The control total 21680.581928138870 is of lines rounded to 12 places; unrounded they sum to …869135."""
    load(shared_data / SAMPLES / "aws_1.3/focus_1_3_cost_and_usage_aws.csv")
    rounded = engine.value("SELECT sum(CAST(billed_cost AS DECIMAL(38, 12))) FROM charges")
    assert rounded == Decimal("21680.581928138870")
    assert engine.value("SELECT sum(billed_cost) FROM charges") == Decimal("21680.581928138869135")


def test_a_consolidated_file_is_three_bills_in_two_currencies(load: Load, shared_data: Path) -> None:
    """A marketplace, a reseller and two clouds in one file are never added up."""
    results = load(shared_data / "focus-1.2-1.3-toolkit/client_like/consolidated_multi_provider_1_3.csv")
    assert [(r.bill_source, r.billing_currency, r.billed_cost) for r in results] == [
        ("AWS", "USD", 108),
        ("Microsoft", "EUR", 100),
        ("Reseller X", "USD", 100),
    ]
