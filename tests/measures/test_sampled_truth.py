"""A company whose truth is known, sampled at a tenth and asked through the store: figures within their errors."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.invariants.company import CONTRACT, START, Company, book, rate

from perunit import pipeline
from perunit.contract.shape import Contract
from perunit.measures.query import Query, run_query
from perunit.model.sampling import weight_of

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = 8_000
MEASURES = ("units", "attempts", "cpu_seconds", "usage_cost", "cost_per_unit", "revenue", "contribution_margin")


def test_figures_of_a_tenth_are_within_their_errors_of_the_whole(tmp_path: Path) -> None:
    """Calls sampled by order, critical orders and all revenue whole: estimates within three errors, the rest exact."""
    random, weight = Random(8), weight_of("e666")
    contract = deepcopy(CONTRACT)
    contract["events"]["api.called"]["weight"] = "data.weight"
    company = Company(tmp_path, contract=Contract.model_validate(contract))
    lines, cost, revenue = [], {"pro": Decimal(0), "free": Decimal(0)}, Decimal(0)
    for number in range(ORDERS):
        plan = "pro" if random.random() < 0.1 else "free"
        own = Decimal(random.randint(1, 90))
        cost[plan] += own
        data = {"order_id": f"o{number}", "plan": plan}
        sent = {"specversion": "1.0", "source": "shop"}
        sent["time"] = f"{START + timedelta(seconds=random.randrange(86_400)):%Y-%m-%dT%H:%M:%SZ}"
        if number % 4 == 0:
            revenue += 20
            paid = {"id": f"p{number}", "type": "order.completed", "data": data | {"total": "20"}}
            lines.append(json.dumps(sent | paid))
        if plan == "pro" or random.random() * float(weight) < 1:
            # The weight goes with every call; a critical order's is 1.
            said = {"weight": "1" if plan == "pro" else f"{weight}"}
            for call, seconds in enumerate((own / 2, own / 2)):
                more = data | said | {"cpu_seconds": f"{seconds}"}
                lines.append(json.dumps(sent | {"id": f"c{number}-{call}", "type": "api.called", "data": more}))
    company.deliver(lines, books=[book(1, rate(1, "cpu_seconds", "1"))])
    free, pro = run_query(company.engine, company.contract, Query(MEASURES, by=("plan",))).rows
    assert pro.values["usage_cost"] == cost["pro"]
    assert pro.estimated == ()
    assert free.values["revenue"] + pro.values["revenue"] == revenue
    assert "revenue" not in free.estimated
    error = float(free.values["usage_cost_error"])
    assert abs(float(free.values["usage_cost"] - cost["free"])) < 3 * error
    # About 7,200 orders at a tenth, of 45 on average with a spread of 26.
    assert error == pytest.approx((7200 * 9 * (45.5**2 + 26**2)) ** 0.5, rel=0.1)
    # A quarter of the orders is known for certain, by its revenue.
    units = [row.values["units"] for row in (free, pro)]
    assert abs(float(sum(units)) - ORDERS) < 3 * float(free.values["units_error"])
    assert float(free.values["units_error"]) == pytest.approx((0.75 * 7200 * 9) ** 0.5, rel=0.1)
    assert free.values["contribution_margin_error"] == free.values["usage_cost_error"]
    assert all(finding.holds for finding in pipeline.verify(company.project(), company.engine))
