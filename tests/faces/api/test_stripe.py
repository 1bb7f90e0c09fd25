"""Stripe's webhook on a real server, its events signed by Stripe's library."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import stripe
from tests.docs.test_docs import page, written_out
from tests.faces.serving import in_process, listening
from tests.facts.doors.stripe_events import charge, event, refund

from perunit.faces.api.body import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faces.serving import Answer, Served

    from perunit.live.service import Service

SECRET = "whsec_of_the_endpoint"
COUNTS = {"received": 1, "accepted": 1, "duplicate": 0, "conflict": 0, "rejected": 0, "waiting": 0, "ignored": []}


@contextmanager
def shop(folder: Path) -> Iterator[tuple[Served, Service]]:
    """The guide's project, served."""
    with in_process(written_out(page("doors/stripe.md"), folder)) as service, listening(service, Limits()) as served:
        yield served, service


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The guide's project, served to all tests of this module that only ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
        with shop(tmp_path_factory.mktemp("shop")) as (served, _):
            yield served


def deliver(served: Served, thing: dict[str, Any] | str, secret: str = SECRET, header: str | None = None) -> Answer:
    """An event, signed as Stripe signs it."""
    body = thing if isinstance(thing, str) else json.dumps(thing, indent=2)
    signed = stripe.WebhookSignature.generate_signature_header(body, secret) if header is None else header
    return served.send("POST", "/v1/stripe", body.encode(), content_type="application/json", stripe_signature=signed)


def test_events_become_facts_that_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refund that comes before its charge, the charge, and the charge again."""
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    with shop(tmp_path) as (served, service):
        early = deliver(served, event("refund.created", refund()))
        assert (early.status, early.body) == (200, {**COUNTS, "received": 0, "accepted": 0, "waiting": 1})
        first = deliver(served, event("charge.succeeded", charge()))
        again = deliver(served, event("charge.succeeded", charge(), number=2))
        assert (first.status, first.body) == (200, COUNTS)
        assert (again.status, again.body) == (200, {**COUNTS, "accepted": 0, "duplicate": 1})
        ids = "SELECT id, unit_order, unit_user FROM events ORDER BY id"
        found = service.intake.run(lambda engine: engine.rows(ids)).result(30)
    assert found == [("ch_1", "A1", "cus_1"), ("re_1", "A1", "cus_1")]


def test_what_is_no_fact_is_acknowledged_and_counted(served: Served) -> None:
    """Stripe need not send it again; the reason is in the answer and in the metrics."""
    answer = deliver(served, event("customer.created", {"object": "customer"}))
    assert (answer.status, answer.body["ignored"]) == (200, ["customer.created: is no fact"])
    metrics = served.send("GET", "/metrics").body
    assert 'perunit_stripe_ignored_total{reason="customer.created: is no fact"} 1.0' in metrics


def test_an_object_that_cannot_be_read_is_quarantined(served: Served) -> None:
    """Sending it again would not mend it, so it is acknowledged and kept."""
    answer = deliver(served, event("charge.succeeded", charge(9, currency="dollars")))
    assert (answer.status, answer.body["rejected"]) == (200, 1)


@pytest.mark.parametrize(
    ("thing", "how", "says"),
    [
        (event("charge.succeeded", charge()), {"secret": "whsec_other"}, "no v1 signature"),
        (event("charge.succeeded", charge()), {"header": ""}, "must be t=<unix seconds>"),
        (event("charge.succeeded", charge()), {"header": "t=1,v1=00"}, "no v1 signature"),
        ("no json", {}, "the body is no JSON"),
        (event("charge.succeeded", charge(), livemode=False), {}, "livemode == False, must be True"),
    ],
)
def test_what_is_not_to_be_trusted_is_a_problem(served: Served, thing: Any, how: dict[str, str], says: str) -> None:
    """400 with the reason, as RFC 9457 problem details; nothing is kept."""
    answer = deliver(served, thing, **how)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.body["detail"]


def test_a_large_body_is_refused(served: Served) -> None:
    """Before it is hashed."""
    assert deliver(served, "x" * ((1 << 20) + 1)).status == 413


def test_without_a_secret_nothing_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe comes again when the variable is set; a body signed with an empty secret is not let in."""
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET", raising=False)
    with shop(tmp_path) as (served, _):
        answer = deliver(served, event("charge.succeeded", charge()), secret="")
        assert (answer.status, "STRIPE_WEBHOOK_SECRET" in answer.body["detail"]) == (503, True)


def test_a_project_without_stripe_says_so(tmp_path: Path) -> None:
    """With the way to it."""
    folder = written_out(page("doors/stripe.md"), tmp_path)
    contract = folder / "perunit.yaml"
    text = contract.read_text()
    events = "events:\n  order.completed: {unit: order}\n"
    contract.write_text(text[: text.index("stripe:")] + events)
    with in_process(folder) as service, listening(service, Limits()) as served:
        assert deliver(served, event("charge.succeeded", charge())).status == 404
