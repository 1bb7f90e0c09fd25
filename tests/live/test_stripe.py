"""Stripe's events through the intake: any order and any number of deliveries give the same facts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.facts.doors.stripe_events import DAY, T0, balance_transaction, charge, dispute, event, refund
from tests.facts.test_stripe_files import facts, shop

from perunit import pipeline
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.stripe import Reading, StripeFacts, facts_of
from perunit.facts.stripe_links import learn, table_of
from perunit.live.intake import Intake
from perunit.live.meters import Meters
from perunit.live.service import Service
from perunit.live.stripe_release import StripeRelease
from perunit.measures.quality import delivered
from perunit.model.window import Window

if TYPE_CHECKING:
    from pathlib import Path

    from tests.invariants.company import Company

    from perunit.facts.arrivals import Outcome

LATER = datetime(2027, 1, 1, tzinfo=UTC)
FAILED = refund(2, 500, status="failed", failure_reason="declined")
DELIVERIES = [
    event("charge.succeeded", charge(1)),
    event("charge.succeeded", charge(2, 5000)),
    event("charge.failed", charge(3, status="failed", captured=False)),
    event("refund.created", refund(1, 1500)),
    event("charge.refunded", charge(1, amount_refunded=1500, refunds={"data": [refund(1, 1500)]})),
    event("refund.created", refund(2, 500, status="pending", balance_transaction=None)),
    event("refund.updated", FAILED, created=T0 + 12 * DAY + 1),
    event("refund.failed", FAILED, created=T0 + 12 * DAY),
    event("charge.dispute.created", dispute(of=2)),
    event("charge.dispute.closed", dispute(of=2, won=True)),
    event("payout.paid", {"object": "payout"}),
]


class Till:
    """A shop's intake with a clock that can be moved."""

    def __init__(self, folder: Path, **stripe: Any) -> None:
        self.company: Company = shop(folder, **stripe)
        self.now = LATER
        project = self.company.project()
        pipeline.start(project, self.company.engine, self.clock)
        self.intake = Intake(project, self.company.engine, self.clock)
        self.service = Service(project, self.intake, self.clock, Meters())

    def clock(self) -> datetime:
        """Now."""
        return self.now

    def deliver(self, *things: dict[str, Any]) -> Outcome:
        """Events or objects that come at once."""
        found = StripeFacts()
        for thing in things:
            facts_of(found, thing, Reading())
        rows = table_of(found.rows)
        arrival = Arrival("stripe", rows, "stripe", "webhook", before=lambda engine: learn(engine, found.known, None))
        return self.intake.submit(arrival).result(30)

    def waiting(self) -> int:
        """How many rows wait."""
        return self.company.engine.value("SELECT count(*) FROM stripe_waiting")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The facts of every delivery once, in Stripe's order."""
    till = Till(tmp_path_factory.mktemp("expected"))
    outcome = till.deliver(*DELIVERIES)
    till.intake.close()
    assert (outcome.waiting, outcome.conflict, outcome.orphan) == (0, 0, 0)
    found = facts(till.company)
    assert len(found) == 10
    assert all(unit for _, unit, *_ in found)
    return found


@given(seed=st.integers(0, 2**32), repeats=st.integers(0, 12), size=st.integers(1, 5))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_duplication_gives_the_same_facts(
    tmp_path: Path, expected: list[Any], seed: int, repeats: int, size: int
) -> None:
    """Refunds and disputes before their charge, some twice, some together: the same facts, units and amounts."""
    chance = random.Random(seed)
    deliveries = DELIVERIES + chance.choices(DELIVERIES, k=repeats)
    chance.shuffle(deliveries)
    till = Till(tmp_path)
    for start in range(0, len(deliveries), size):
        till.deliver(*deliveries[start : start + size])
    till.intake.close()
    assert facts(till.company) == expected
    assert till.waiting() == 0
    assert till.company.engine.value("SELECT sum(conflict) + sum(rejected) FROM batches") == 0


def test_what_follows_an_unknown_charge_waits_for_it(tmp_path: Path) -> None:
    """It is told to its sender, is no fact yet, and becomes one with the charge's unit when the charge comes."""
    till = Till(tmp_path)
    outcome = till.deliver(event("refund.created", refund()))
    assert (outcome.received, outcome.waiting, facts(till.company)) == (0, 1, [])
    till.deliver(event("charge.succeeded", charge(7)))
    contract = till.company.project().contract
    (told,) = delivered(till.company.engine, contract, Window(None, None), "source", LATER)
    assert (told.accepted, told.waiting) == (1, 1)
    outcome = till.deliver(event("charge.succeeded", charge()))
    assert (outcome.received, outcome.accepted, outcome.ignored) == (1, 1, 0)
    assert [(id_, unit) for id_, unit, *_ in facts(till.company)] == [("ch_1", "A1"), ("ch_7", "A7"), ("re_1", "A1")]
    assert till.waiting() == 0
    till.intake.close()


def test_waiting_ends(tmp_path: Path) -> None:
    """After wait_hours it counts as an orphan, and not before."""
    till = Till(tmp_path, wait_hours=1)
    release = StripeRelease(till.service)
    till.deliver(event("refund.created", refund()))
    till.now += timedelta(minutes=59)
    release._release()
    assert till.waiting() == 1
    till.now += timedelta(minutes=1)
    release._release()
    till.intake.close()
    assert [(id_, unit) for id_, unit, *_ in facts(till.company)] == [("re_1", None)]
    assert till.company.engine.value("SELECT sum(orphan) FROM batches") == 1


def test_a_file_that_tells_of_the_charge_ends_the_waiting(tmp_path: Path) -> None:
    """Without another event: the loop finds it."""
    till = Till(tmp_path)
    till.deliver(event("refund.created", refund()))
    till.intake.run(lambda engine: learn(engine, _known(charge()), None)).result(30)
    StripeRelease(till.service)._release()
    till.intake.close()
    assert [(id_, unit) for id_, unit, *_ in facts(till.company)] == [("re_1", "A1")]


def _known(thing: dict[str, Any]) -> list[dict[str, Any]]:
    found = StripeFacts()
    facts_of(found, thing, Reading())
    return found.known


def test_a_fee_follows_a_refund_that_follows_a_charge(tmp_path: Path) -> None:
    """Two steps lead to the unit."""
    till = Till(tmp_path)
    fee = balance_transaction("txn_7", -2000, 30, "re_1", "refund")
    assert till.deliver(fee).waiting == 1
    assert till.deliver(refund()).waiting == 1
    till.deliver(event("charge.succeeded", charge()))
    till.intake.close()
    found = facts(till.company)
    assert [(id_, unit) for id_, unit, *_ in found] == [("ch_1", "A1"), ("re_1", "A1"), ("txn_7:fee", "A1")]
