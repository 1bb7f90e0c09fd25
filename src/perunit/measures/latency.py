"""The latency histogram's arithmetic: base-2 logarithmic buckets at scale 5. Enters: a bucket. Leaves: ms.

Bucket i holds the values in (2^(i/32), 2^((i+1)/32)]; it is OpenTelemetry's exponential histogram at scale 5.
"""

from __future__ import annotations

from decimal import Decimal

__all__ = ["RELATIVE_ERROR", "SCALE", "ZERO_BUCKET", "estimate"]

SCALE = 5
_BASE = 2.0 ** (1 / 2**SCALE)
RELATIVE_ERROR = (_BASE - 1) / (_BASE + 1)

# Stands for the bucket that counts zeros, below every bucket a DECIMAL(18, 6) can fall in.
ZERO_BUCKET = -1_000_000


def estimate(bucket: int, least: Decimal, most: Decimal) -> Decimal:
    """The value that stands for a bucket: the harmonic mean of its bounds, kept within what was observed.

    No other value has a smaller relative error at both ends: (g − 1) / (g + 1) = 1.08 %, where g = 2^(1/32).

    >>> estimate(319, Decimal(1), Decimal(5000))
    Decimal('1012.910079')
    >>> estimate(319, Decimal(1), Decimal(1000))
    Decimal('1000')
    """
    if bucket == ZERO_BUCKET:
        return Decimal(0)
    lower = _BASE**bucket
    middle = 2 * lower * _BASE / (1 + _BASE)
    return min(max(Decimal(repr(middle)).quantize(Decimal("0.000001")), least), most)
