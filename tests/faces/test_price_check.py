"""List rates beside the rates of the last bill: what is compared, and what the exit code says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[..., tuple[int, str, str]]

CONTRACT = """\
version: 1
units: {order: {owner: checkout, key: order_id}}
meters: {cpu_seconds: {unit: s}, calls: {unit: "{call}"}}
sources:
  shop:
    format: csv
    event:
      id: id
      time: time
      type: "'order.completed'"
      units: {order: order_id}
      resource: host
      usage: {cpu_seconds: cpu, calls: calls}
allocation:
  - {name: machines, match: "service_name = 'Compute'", method: usage, meter: cpu_seconds, resource: resource_id}
  - {name: gateway, match: "service_name = 'Gateway'", method: usage, meter: calls}
"""
EVENTS = """\
id,order_id,time,host,cpu,calls
1,a,2026-05-03T10:00:00Z,i-1,3600,10
2,b,2026-05-04T10:00:00Z,i-1,3600,10
3,c,2026-05-04T11:00:00Z,i-2,1800,5
"""
BOOK = """\
book: cloud
version: 1
currency: USD
rates:
  - {meter: cpu_seconds, price: 1, per: 3600, unit: s, effective_from: 2026-01-01}
"""
HEAD = (
    "BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,"
    "ChargeCategory,ServiceName,ResourceId,BilledCost,EffectiveCost,ListCost,ContractedCost,ConsumedQuantity,"
    "ConsumedUnit\n"
)
PERIOD = "a,USD,2026-05-01T00:00:00Z,2026-06-01T00:00:00Z,2026-05-01T00:00:00Z,2026-06-01T00:00:00Z"


def line(service: str, resource: str, cost: str, quantity: str, unit: str, category: str = "Usage") -> str:
    """One line of the bill of May."""
    return f"{PERIOD},{category},{service},{resource},{cost},{cost},{cost},{cost},{quantity},{unit}\n"


@pytest.fixture
def shop(tmp_path: Path, run: Run) -> Path:
    """Two machines: two hours measured on the first, half an hour on the second; and 25 calls."""
    for name, text in {"perunit.yaml": CONTRACT, "prices/cloud.yaml": BOOK, "shop.csv": EVENTS}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert run("-C", tmp_path, "ingest", tmp_path / "shop.csv", "--as", "shop")[0] == 0
    return tmp_path


def billed(run: Run, shop: Path, *lines: str) -> None:
    """Imports a bill of these lines."""
    (shop / "bill.csv").write_text(HEAD + "".join(lines), encoding="utf-8")
    code, out, err = run("-C", shop, "bills", "import", shop / "bill.csv", "--source", "nimbus")
    assert code == 0, out + err


def checked(run: Run, shop: Path, *words: str) -> tuple[int, Any]:
    """Exit code and answer."""
    code, out, _ = run("-C", shop, "--json", "prices", "check", *words)
    return code, json.loads(out)


def test_without_a_bill_the_check_is_inconclusive(shop: Path, run: Run) -> None:
    """There is nothing to compare with."""
    code, said = checked(run, shop)
    assert (code, said["verdict"], said["rates"]) == (3, "inconclusive", [])


def test_a_bill_at_list_prices_is_within(shop: Path, run: Run) -> None:
    """Ten hours at 1.00: the billed rate is by what was consumed, not by the two hours that were measured."""
    billed(run, shop, line("Compute", "i-1", "10", "10", "Hours"))
    code, said = checked(run, shop)
    (rate,) = said["rates"]
    assert (code, said["verdict"], said["period"]) == (0, "within", "2026-05")
    assert rate["consumed_rate"].startswith("0.00027777777777777777")
    assert rate["measured_rate"].startswith("0.0013888888888888")
    assert rate["finding"] == "within"


def test_a_rate_beyond_the_tolerance_fails_with_the_money(shop: Path, run: Run) -> None:
    """i-1 is billed 1.20 an hour against 1.00: 20 % and 0.40 for two hours; i-2 1.04: 4 %."""
    lines = [line("Compute", "i-1", "12", "10", "Hours"), line("Compute", "i-2", "1.04", "1", "Hours")]
    billed(run, shop, *lines, line("Compute", "i-1", "-3", "0", "Hours", "Credit"))
    code, said = checked(run, shop)
    found = [
        (rate["resource"], rate["difference"][:4], rate["at_stake"][:5], rate["finding"]) for rate in said["rates"]
    ]
    assert code == 1
    assert found == [("i-1", "0.19", "0.399", "beyond"), ("i-2", "0.03", "0.019", "within")]
    assert checked(run, shop, "--tolerance", "20.1%")[0] == 0
    assert checked(run, shop, "--tolerance", "0.03", "--period", "2026-05")[0] == 1
    assert checked(run, shop, "--period", "2026-04")[0] == 3


def test_where_units_have_no_relation_measured_usage_decides(shop: Path, run: Run) -> None:
    """5 USD for 25 measured calls is 0.20 each; without a list rate there is nothing to compare it with."""
    billed(run, shop, line("Gateway", "g", "5", "7", "Things"))
    code, said = checked(run, shop)
    (rate,) = said["rates"]
    assert (code, rate["finding"], rate["resource"]) == (3, "no list rate", None)
    assert (rate["measured_rate"], rate["consumed_rate"]) == ("0.2", None)


def test_usage_nobody_measured_is_named(shop: Path, run: Run) -> None:
    """A machine the bill knows and the events do not."""
    billed(run, shop, line("Compute", "i-9", "5", "5", "Hours"))
    code, said = checked(run, shop)
    assert (code, [rate["finding"] for rate in said["rates"]]) == (3, ["no usage"])


def test_a_person_sees_a_table(shop: Path, run: Run) -> None:
    """Meter, both rates, the difference and the money."""
    billed(run, shop, line("Compute", "i-1", "12", "10", "Hours"))
    code, out, _ = run("-C", shop, "prices", "check")
    assert code == 1
    assert "+0.40 USD" in out
    assert "20.00 %" in out
    assert out.rstrip().endswith("2026-05: list rates are beyond 5.00 % of billed rates")


@pytest.mark.parametrize(("option", "value"), [("--tolerance", "much"), ("--tolerance", "-1%"), ("--period", "May")])
def test_a_wrong_option_is_named(shop: Path, run: Run, option: str, value: str) -> None:
    """With what it should be."""
    code, _, err = run("-C", shop, "prices", "check", option, value)
    assert code == 2
    assert option in err
