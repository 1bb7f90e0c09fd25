"""The signature check against Stripe's own library, both ways."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.stripe_signature import check_signature

SIGN = stripe.WebhookSignature.generate_signature_header
BODY = '{"id": "evt_1", "object": "event", "note": "façade"}'
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def header(body: str = BODY, secret: str = "whsec_a", age: int = 0) -> str:
    """A header as the library makes it, `age` seconds before NOW."""
    return SIGN(body, secret, int(NOW.timestamp()) - age)


def check(body: bytes, given: str | None, *secrets: str, tolerance: int = 300) -> None:
    """The check under test, at NOW."""
    check_signature(body, given, secrets or ("whsec_a",), NOW, tolerance)


def test_accepts_what_the_library_signs() -> None:
    """A body signed by Stripe's library is accepted."""
    check(BODY.encode(), header())


def test_library_accepts_what_is_accepted_here() -> None:
    """A header that is accepted here is one that the library verifies, and a refused one it refuses too."""
    now = datetime.fromtimestamp(int(time.time()), UTC)
    good = SIGN(BODY, "whsec_a")
    bad = SIGN(BODY, "whsec_b")
    check_signature(BODY.encode(), good, ("whsec_a",), now, 300)
    assert stripe.WebhookSignature.verify_header(BODY, good, "whsec_a", 300)
    with pytest.raises(DoorError):
        check_signature(BODY.encode(), bad, ("whsec_a",), now, 300)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(BODY, bad, "whsec_a", 300)


def test_any_secret_and_any_signature_of_several_will_do() -> None:
    """While a secret is rolled, Stripe signs with both and the endpoint may know either."""
    both = header() + "," + header(secret="whsec_b").partition(",")[2]
    check(BODY.encode(), both, "whsec_b")
    check(BODY.encode(), header(), "whsec_b", "whsec_a")


@pytest.mark.parametrize("age", [0, 299, 300])
def test_accepts_up_to_the_tolerance(age: int) -> None:
    """The tolerance itself is still within."""
    check(BODY.encode(), header(age=age))


def test_refuses_beyond_the_tolerance() -> None:
    """An old delivery is a replay; the message says how old and what to mend."""
    with pytest.raises(DoorError, match=r"301 s ago, must be at most 300 s"):
        check(BODY.encode(), header(age=301))


@pytest.mark.parametrize(
    "given",
    [
        *(None, "", "t=1", "v1=00", "t=x,v1=00", "t=1,t=2,v1=00", "t=1,v0=00", "t=-1,v1=00", "t=1,v1=é", ",,,", "t"),
        "t=99999999999999999999,v1=00",
    ],
)
def test_refuses_a_header_that_is_none(given: str | None) -> None:
    """A header of the wrong form is refused as such, never an error of the program."""
    with pytest.raises(DoorError) as refused:
        check(BODY.encode(), given)
    assert refused.value.status == 400


@given(at=st.integers(0, len(BODY.encode()) - 1), bit=st.integers(0, 7))
def test_refuses_any_changed_byte(at: int, bit: int) -> None:
    """One flipped bit anywhere in the body breaks the signature."""
    body = bytearray(BODY.encode())
    body[at] ^= 1 << bit
    with pytest.raises(DoorError, match="no v1 signature"):
        check(bytes(body), header())


@given(st.text(max_size=200))
def test_no_text_is_accepted_by_chance(text: str) -> None:
    """Whatever stands in the header, the answer is a refusal and no crash."""
    with pytest.raises(DoorError):
        check(BODY.encode(), text)


def test_a_delivery_from_ahead_of_the_clock_is_accepted() -> None:
    """As in Stripe's library only age is judged: a clock that is behind must not lose events."""
    later = int((NOW + timedelta(hours=1)).timestamp())
    check(BODY.encode(), SIGN(BODY, "whsec_a", later))
