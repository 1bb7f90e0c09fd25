"""Stripe in a project with pseudonyms: what waits and what is known of charges says nothing in any file; the facts are
those of the project without.
"""

from __future__ import annotations

import json
import logging
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import stripe
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.facts.doors.stripe_events import DAY, T0, charge, dispute, event, refund
from tests.facts.privacy.hidden_doors import ALICE, BOB, Doors, Hours, served
from tests.facts.privacy.test_pseudonyms import holding, sums
from tests.facts.test_stripe_files import SUMS

from perunit import pipeline
from perunit.facts.arrivals import Arrival, Outcome
from perunit.facts.doors.formats import schema_of
from perunit.facts.doors.stripe import Reading, StripeFacts, facts_of
from perunit.facts.privacy import changes
from perunit.facts.privacy.keys import make_keys
from perunit.facts.privacy.sealing import is_sealed
from perunit.facts.privacy.seals import seals_of
from perunit.facts.stripe_links import learn, links_of, table_of
from perunit.feed import Feed
from perunit.wiring import Opened, opened

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SECRET = "whsec_of_the_endpoint"
CONTRACT = {
    "version": 1,
    "currency": "USD",
    "units": {"order": {"owner": "shop", "key": "order_id", "parent": "user"}, "user": {"owner": "x", "key": "u"}},
    "stripe": {
        "secret_env": ["STRIPE_WEBHOOK_SECRET"],
        "units": {"order": "metadata['order_id']", "user": "customer"},
        "segments": {"charge_month": "strftime(charged_at, '%Y-%m')", "why": "reason"},
    },
}
LATER = datetime(2026, 12, 1, tzinfo=UTC)


def written(root: Path, *, hidden: bool) -> Path:
    """The shop as a directory; with keys where users are hidden."""
    root.mkdir()
    secret = {"privacy": {"pseudonymize": ["user"]}} if hidden else {}
    (root / "perunit.yaml").write_text(json.dumps(CONTRACT | secret), encoding="utf-8")
    if hidden:
        make_keys(root / "privacy.keys")
    return root


def of(name: str, number: int) -> dict[str, Any]:
    """A charge that names a person all over."""
    return charge(number, customer=name, metadata={"order_id": f"{name}/{number}", "note": f"from {name}"})


REFUSED = of(ALICE, 9) | {"amount_captured": f"a lot, says {ALICE}"}
DELIVERIES = [
    event("charge.succeeded", of(ALICE, 1)),
    event("charge.succeeded", of(BOB, 2)),
    event("refund.created", refund(1, 1500, metadata={"by": ALICE})),
    event("refund.created", refund(2, 500, of=2, reason=f"{BOB} asked")),
    event("charge.dispute.created", dispute(of=2, metadata={"says": BOB})),
    event("charge.dispute.closed", dispute(of=2, won=True)),
]


def post(doors: Doors, thing: dict[str, Any]) -> None:
    """An event, signed as Stripe signs it."""
    body = json.dumps(thing)
    signed = stripe.WebhookSignature.generate_signature_header(body, SECRET)
    doors.post("/v1/stripe", body.encode(), "application/json", Stripe_Signature=signed)


def told(root: Path, *, hidden: bool) -> tuple[list[Any], list[str], list[str]]:
    """What the shop holds in the end, what it has answered, and which files held an id on the way."""
    written(root, hidden=hidden)
    clock, answers, held = Hours(datetime.now(UTC)), list[str](), list[str]()
    export = root.parent / f"{root.name}.ndjson"
    export.write_text(json.dumps(of(BOB, 2)) + "\n" + json.dumps(refund(3, 100, of=2)) + "\n", encoding="utf-8")
    steps = (
        [*DELIVERIES[2:], event("charge.failed", REFUSED)],
        [DELIVERIES[0], event("refund.created", refund(7, 70, of=70, metadata={"for": ALICE}))],
        [*DELIVERIES, event("refund.created", refund(8, 80, of=1))],
    )
    for step in steps:
        with served(root, clock) as doors:
            for thing in step:
                post(doors, thing)
            held += holding(root, ALICE, BOB)
            answers += doors.answers
        held += holding(root, ALICE, BOB)
    clock.now += timedelta(days=30)
    with opened(root, purpose="test", clock=clock) as found:
        pipeline.ingest(found.project, found.engine, [("stripe", export)], clock=clock)
        released = Arrival("stripe", schema_of("stripe").empty_table(), "stripe-release")
        Feed(found.project, found.engine, clock).take_in([released])
        pipeline.settle(found.project, found.engine)
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))
        counted = ("received", "accepted", "duplicate", "conflict", "rejected", "orphan")
        counts = found.engine.rows(f"SELECT {', '.join(f'sum({each})' for each in counted)} FROM batches")
        waiting = found.engine.value("SELECT count(*) FROM stripe_waiting")
        return [sums(found.engine), counts, waiting], answers, held + holding(root, ALICE, BOB)


def test_no_file_log_or_answer_holds_a_raw_id_and_sums_are_those_of_the_plain_project(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While rows wait, after restarts, by webhook and from a file; without pseudonyms the same search finds the ids."""
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    caplog.set_level(logging.DEBUG)
    found, answers, held = told(tmp_path / "own", hidden=True)
    assert held == []
    said = "\n".join([*answers, caplog.text])
    assert ALICE not in said
    assert BOB not in said
    assert {each[:3] for each in answers} == {"200"}
    plain, _, held = told(tmp_path / "plain", hidden=False)
    assert held
    assert found == plain
    # Two charges, five refunds, a dispute and its reversal with their fees; one object refused, two of nobody's.
    assert plain[1][0][1] == 11
    assert (plain[1][0][4], plain[2]) == (1, 0)


class Till:
    """The open shop's way in."""

    def __init__(self, found: Opened, now: datetime = LATER) -> None:
        self.found, self.now = found, now
        self.feed = Feed(found.project, found.engine, lambda: self.now)

    def deliver(self, *things: dict[str, Any]) -> Outcome:
        """Events that come at once."""
        taken = StripeFacts()
        for thing in things:
            facts_of(taken, thing, Reading())
        seals = seals_of(self.found.project)
        rows = table_of(taken.rows)
        arrival = Arrival("stripe", rows, "stripe", "webhook", before=lambda engine: learn(engine, taken.known, seals))
        return self.feed.take_in([arrival])[0]

    def facts(self) -> list[tuple[Any, ...]]:
        """Every fact, with its person by name, also where it is stored by pseudonym."""
        names = {changes.pseudonym_of(self.found.project, "user", name): name for name in (ALICE, BOB)}
        rows = self.found.engine.rows(f"{SUMS} JOIN cells USING (cell_id)")
        return sorted((names.get(user, user), *map(str, sums)) for _, _, user, *sums in rows)

    def kept(self) -> list[str]:
        """What waits and what is known, opened."""
        own = "SELECT {} FROM stripe_waiting UNION ALL SELECT {} FROM stripe_objects"
        assert all(is_sealed(text) for (text,) in self.found.engine.rows(own.format("sealed", "sealed")))
        seals = seals_of(self.found.project)
        assert seals
        return [
            seals.sealer.open(text, purpose)
            for table, purpose in (("stripe_waiting", "waiting Stripe row"), ("stripe_objects", "Stripe object"))
            for (text,) in self.found.engine.rows(f"SELECT sealed FROM {table}")
        ]


@given(seed=st.integers(0, 2**32), repeats=st.integers(0, 8), size=st.integers(1, 4))
@settings(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_in_any_order_the_facts_are_those_of_the_plain_project(
    tmp_path_factory: pytest.TempPathFactory, seed: int, repeats: int, size: int
) -> None:
    """Refunds and disputes before their charge, some twice, some together: the same facts of the same persons."""
    chance = random.Random(seed)
    things = DELIVERIES + chance.choices(DELIVERIES, k=repeats)
    chance.shuffle(things)
    found = list[Any]()
    for hidden in (True, False):
        with opened(written(tmp_path_factory.mktemp("shop") / "own", hidden=hidden), purpose="test") as shop:
            till = Till(shop)
            outcomes = [till.deliver(*things[at : at + size]) for at in range(0, len(things), size)]
            counted = [(each.accepted, each.duplicate, each.waiting) for each in outcomes]
            found.append((counted, till.facts(), shop.engine.value("SELECT count(*) FROM stripe_waiting")))
    assert found[0] == found[1]
    assert found[0][2] == 0


def test_an_erased_person_is_named_by_nothing_that_waits_and_no_money_is_lost(tmp_path: Path) -> None:
    """What waits enters as nobody's; what is known of a charge stays known and says nothing, however often it comes."""
    root = written(tmp_path / "own", hidden=True)
    with opened(root, purpose="test") as found:
        till = Till(found)
        till.deliver(event("charge.succeeded", of(ALICE, 1)), event("charge.succeeded", of(BOB, 2)))
        till.deliver(event("refund.created", refund(5, 500, of=50, metadata={"by": ALICE, "shift": "late"})))
        changes.erase(found.project, found.engine, "user", ALICE)
        assert till.deliver(event("charge.succeeded", of(ALICE, 1))).duplicate == 1
        assert not [text for text in till.kept() if ALICE in text]
        assert [text for text in till.kept() if "late" in text]
        assert [text for text in till.kept() if BOB in text]
        assert till.deliver(event("refund.created", refund(1, 100))).accepted == 1
        assert till.deliver(event("refund.created", refund(2, 200, of=2))).accepted == 1
        till.now += timedelta(days=30)
        released = Arrival("stripe", schema_of("stripe").empty_table(), "stripe-release")
        till.feed.take_in([released])
        nobody, *others = found.engine.rows(
            "SELECT unit_user, sum(refund), sum(revenue) FROM events GROUP BY ALL ORDER BY unit_user NULLS FIRST"
        )
        assert (nobody[0], str(nobody[1])) == (None, "6.000000000000")
        assert sorted(str(revenue) for *_, revenue in others) == ["50.000000000000", "50.000000000000"]
        assert holding(root, ALICE) == []


def test_keys_rotate_while_rows_wait(tmp_path: Path) -> None:
    """What waits and what is known are found and opened under the new key."""
    with opened(written(tmp_path / "own", hidden=True), purpose="test") as found:
        till = Till(found)
        till.deliver(event("charge.succeeded", of(ALICE, 1)))
        till.deliver(event("refund.created", refund(2, 500, of=2)))
        old = set(found.engine.rows("SELECT sealed FROM stripe_waiting UNION ALL SELECT sealed FROM stripe_objects"))
        changes.rotate(found.project, found.engine)
        new = set(found.engine.rows("SELECT sealed FROM stripe_waiting UNION ALL SELECT sealed FROM stripe_objects"))
        assert len(old & new) == 0 < len(old) == len(new)
        till = Till(found)
        till.deliver(event("refund.created", refund(1, 100)))
        till.deliver(event("charge.succeeded", of(BOB, 2)))
        links = links_of("stripe", found.project.contract)
        assert links
        assert links.due(found.engine, LATER) == (0, 0)
        assert [fact[0] for fact in till.facts()] == [ALICE, ALICE, BOB, BOB]


def test_a_time_is_kept_to_the_second(tmp_path: Path) -> None:
    """What a row inherits of its charge is the same sealed and opened."""
    with opened(written(tmp_path / "own", hidden=True), purpose="test") as found:
        till = Till(found)
        till.deliver(event("refund.created", refund(1, 1500, created=T0 + 40 * DAY)))
        till.deliver(event("charge.succeeded", of(ALICE, 1)))
        rows = found.engine.rows("SELECT DISTINCT segment_charge_month FROM events JOIN cells USING (cell_id)")
        assert rows == [("2026-09",)]
