"""How many spans a sampled one stands for. Enters: W3C trace states. Leaves: exact weights, or null.

OpenTelemetry's consistent probability sampling writes ``ot=th:<hex>`` into the trace state: a span was kept because
its randomness (56 bits) was at least the threshold T, thus with probability (2^56 - T) / 2^56.
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["weight", "weights"]

_PLACES = 18
_TYPE = pa.decimal128(38, _PLACES)
_OURS = re.compile(r"(?:^|,)[ \t]*ot=([^,]*)")
_THRESHOLD = re.compile(r"(?:^|;)th:([0-9a-f]{1,14})(?:;|[ \t]*$)")


def weights(trace_states: Sequence[str]) -> pa.Array:
    """The weight of each span as DECIMAL(38, 18); null where its trace state has no threshold.

    A sampled span without one was kept with a probability that nobody knows: it does not stand for one span.
    """
    if not any(trace_states):
        return pa.nulls(len(trace_states), _TYPE)
    return pa.array([_weight_of(state) if state else None for state in trace_states], _TYPE)


def _weight_of(trace_state: str) -> Decimal | None:
    ours = _OURS.search(trace_state)
    threshold = _THRESHOLD.search(ours[1]) if ours else None
    return weight(threshold[1]) if threshold else None


@lru_cache(maxsize=1024)
def weight(threshold: str) -> Decimal:
    """2^56 / (2^56 - T) for a threshold as written: up to 14 hexadecimal digits, trailing zeros left out.

    >>> [str(round(weight(threshold), 7)) for threshold in ("aaab", "e666", "0")]
    ['3.0000458', '9.9993897', '1.0000000']
    """
    kept = (1 << 56) - int(threshold.ljust(14, "0"), 16)
    with localcontext(prec=60):
        return (Decimal(1 << 56) / kept).quantize(Decimal(1).scaleb(-_PLACES))
