"""The signature of a Stripe webhook. Enters: the body, the ``Stripe-Signature`` header and the endpoint's secrets.
Leaves: nothing, or the reason why it is not to be trusted.

Source: https://docs.stripe.com/webhooks#verify-manually. The header is ``t=<unix seconds>,v1=<hex>[,v1=<hex>…]``; each
v1 is the HMAC-SHA256 of ``<t>.<body>`` under one secret of the endpoint, of which there are two while one is rolled.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from perunit.facts.arrivals import DoorError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["check_signature"]

# More than Stripe ever sends; what is longer is not worth the hashing.
_SIGNATURES_MAX = 20


def check_signature(
    body: bytes, header: str | None, secrets: Sequence[str], now: datetime, tolerance_seconds: int
) -> None:
    """Raises DoorError (400) unless one of `secrets` signed `body` within the last `tolerance_seconds`."""
    timestamp, signatures = _parts(header or "")
    signed = timestamp.encode() + b"." + body
    # Every pair is compared, so that the time taken does not tell which secret or signature came near.
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    matches = [hmac.compare_digest(digest, each) for digest in digests for each in signatures]
    if not any(matches):
        raise _refused("no v1 signature is that of the body under this endpoint's secret; check the secret's variable")
    age = int(now.timestamp()) - int(timestamp)
    if age > tolerance_seconds:
        detail = f"t == {timestamp} is {age} s ago, must be at most {tolerance_seconds} s; "
        raise _refused(detail + "correct this machine's clock or raise stripe.tolerance_seconds")


def _parts(header: str) -> tuple[str, list[str]]:
    """The timestamp as it was written (it is signed so) and the v1 signatures."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1" and value.isascii()]
    if len(timestamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", timestamps[0]):
        raise _refused("must be t=<unix seconds>,v1=<signature>; send the header that Stripe made")
    if not signatures:
        raise _refused("has no v1 signature; send the header that Stripe made")
    return timestamps[0], signatures[:_SIGNATURES_MAX]


def _refused(detail: str) -> DoorError:
    return DoorError(400, "Signature not accepted", f"Stripe-Signature {detail}")
