"""How many spans a sampled one stands for. Enters: W3C trace states. Leaves: exact weights, or null.

OpenTelemetry's consistent probability sampling writes ``ot=th:<hex>`` into the trace state: a span was kept because
its randomness (56 bits) was at least the threshold T, thus with probability (2^56 - T) / 2^56.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.model.sampling import WEIGHT_SCALE, weight_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

__all__ = ["weight", "weights"]

_TYPE = pa.decimal128(38, WEIGHT_SCALE)
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


# A sampler has few thresholds and very many spans.
weight = lru_cache(maxsize=1024)(weight_of)
