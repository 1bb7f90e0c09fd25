"""FOCUS files of another tool come to their control totals, found out by their columns."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.engine.duckdb import Engine

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "focus-1.2-1.3-toolkit"
TOTALS = {
    "generated/aws_1.2/focus_1_2_cost_and_usage_aws.csv": "18857.124623679044",
    "generated/aws_1.3/focus_1_3_cost_and_usage_aws.csv": "21680.581928138870",
    "generated/aws_1.4/synthetic_focus_1_4_cost_and_usage.csv": "21680.581928138870",
    "generated/azure_1.2/focus_1_2_cost_and_usage_azure.csv": "49321.108200244240",
    "generated/azure_1.3/focus_1_3_cost_and_usage_azure.csv": "37603.158611616752",
    "generated/azure_1.4/synthetic_focus_1_4_cost_and_usage.csv": "37603.158611616752",
    "generated/gcp_1.2/focus_1_2_cost_and_usage_gcp.csv": "31758.210633880786",
    "generated/gcp_1.3/focus_1_3_cost_and_usage_gcp.csv": "20775.948943532903",
    "generated/gcp_1.4/synthetic_focus_1_4_cost_and_usage.csv": "20775.948943532903",
}


@pytest.mark.skipif(not SAMPLES.exists(), reason="the third-party samples are not here")
@pytest.mark.parametrize(("path", "total"), TOTALS.items())
def test_a_sample_comes_to_its_control_total(engine: Engine, load: Callable[..., Any], path: str, total: str) -> None:
    """1,000 lines in two accounts; the samples' notes take every line at 12 places."""
    bills = load(SAMPLES / path)
    assert (len(bills), sum(bill.lines for bill in bills)) == (2, 1000)
    assert engine.value("SELECT sum(CAST(billed_cost AS DECIMAL(38, 12))) FROM charges") == Decimal(total)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the third-party samples are not here")
def test_currencies_of_one_file_stay_apart(engine: Engine, load: Callable[..., Any]) -> None:
    """308.00 of two currencies is no amount: it is a sum of each."""
    load(SAMPLES / "client_like" / "consolidated_multi_provider_1_3.csv")
    sums = dict(engine.rows("SELECT billing_currency, sum(billed_cost) FROM charges GROUP BY ALL"))
    assert sorted(sums) == ["EUR", "USD"]
    assert sum(sums.values()) == Decimal("308.00")
