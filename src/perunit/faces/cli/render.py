"""How values look to a person. Enters: exact values. Leaves: text.

The only place where figures are rounded to be shown; JSON, CSV and Parquet carry the exact values instead.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import TYPE_CHECKING

from perunit.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = [
    "UNKNOWN",
    "bar",
    "bucket",
    "change",
    "count",
    "estimate",
    "fixed",
    "instant",
    "milliseconds",
    "money",
    "percent",
    "places",
    "quantity",
    "value",
    "verdict",
]

UNKNOWN = "–"
_EIGHTHS = " ▏▎▍▌▋▊▉"


def value(number: Decimal | int | None, unit: str) -> str:
    """A measure's value by its unit (money, ratio, count, ms, quantity)."""
    if number is None:
        return UNKNOWN
    exact_number = Decimal(number)
    shown = {"money": money, "ratio": percent, "count": count, "ms": milliseconds, "quantity": quantity}
    return shown[unit](exact_number)


def estimate(text: str, error: Decimal | None, unit: str) -> str:
    """A value estimated from a sample, with its standard error where one is known.

    >>> estimate("1,000", Decimal("94.87"), "count"), estimate("83.2 ms", None, "ms")
    ('1,000 ± 95', '≈ 83.2 ms')
    """
    return f"≈ {text}" if error is None else f"{text} ± {value(error, unit)}"


def money(amount: Decimal) -> str:
    """Thousands apart and two decimals; below 1, as many decimals as show two significant digits.

    >>> money(Decimal("1234567.891")), money(Decimal("-0.5")), money(Decimal("0.000034567")), money(Decimal(0))
    ('1,234,567.89', '-0.50', '0.000035', '0.00')
    """
    return f"{_rounded(amount, _decimals(amount)):,f}"


def fixed(amount: Decimal, places: int) -> str:
    """An amount at so many decimals, for columns that have to add up.

    >>> fixed(Decimal("1234.5"), 4)
    '1,234.5000'
    """
    return f"{_rounded(amount, places):,f}"


def places(amounts: Iterable[Decimal], most: int) -> int:
    """How many decimals show every amount whole: at least two, at most `most`.

    >>> places([Decimal("1.5"), Decimal("0.000270")], 6)
    5
    """
    needed = [-int(amount.normalize().as_tuple().exponent) for amount in amounts if amount]
    return min(max([2, *needed]), most)


def percent(ratio: Decimal) -> str:
    """A ratio in per cent.

    >>> percent(Decimal("0.98766")), percent(Decimal("0.00012"))
    ('98.77 %', '0.012 %')
    """
    with exact():
        hundredfold = ratio * 100
    return f"{_rounded(hundredfold, _decimals(hundredfold)):,f} %"


def count(number: Decimal) -> str:
    """A whole number, thousands apart.

    >>> count(Decimal(1234567))
    '1,234,567'
    """
    return f"{_rounded(number, 0):,f}"


def milliseconds(number: Decimal) -> str:
    """Milliseconds, or seconds from ten of them upward.

    >>> milliseconds(Decimal("83.2")), milliseconds(Decimal("12345.6"))
    ('83.2 ms', '12.35 s')
    """
    with exact():
        if number >= 10_000:
            return f"{_rounded(number / 1000, 2):,f} s"
        return f"{_rounded(number, 1):,f} ms"


def quantity(number: Decimal) -> str:
    """At most three decimals, more only below 1; no trailing zeros.

    >>> quantity(Decimal("1234.50000")), quantity(Decimal("0.00042"))
    ('1,234.5', '0.00042')
    """
    decimals = 3 if abs(number) >= 1 else max(3, _decimals(number))
    text = f"{_rounded(number, decimals):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def change(unit: str, difference: Decimal | int | None, relative: Decimal | None) -> str:
    """A change: in points for a ratio, relative against a positive base, otherwise absolute.

    >>> change("money", Decimal(-25), Decimal("-0.25")), change("ratio", Decimal("0.0125"), None)
    ('-25.0 %', '+1.25 pt')
    >>> change("money", Decimal("1234.5"), None)
    '+1,234.50'
    """
    if difference is None:
        return UNKNOWN
    if unit == "ratio":
        with exact():
            return f"{_signed(_rounded(Decimal(difference) * 100, 2))} pt"
    if relative is not None:
        with exact():
            return f"{_signed(_rounded(relative * 100, 1))} %"
    sign = "-" if difference < 0 else "+"
    return sign + value(abs(Decimal(difference)), unit)


def verdict(good: str, difference: Decimal | int | None) -> str:
    """Whether a change is ``good``, ``bad`` or neither (empty), by the direction of good (up, down, none).

    >>> verdict("down", Decimal(-3)), verdict("up", Decimal(-3)), verdict("none", Decimal(1))
    ('good', 'bad', '')
    """
    if not difference or good == "none":
        return ""
    return "good" if (difference > 0) == (good == "up") else "bad"


def instant(moment: datetime | None) -> str:
    """``2026-09-01 14:00 UTC``; seconds where there are any."""
    if moment is None:
        return UNKNOWN
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment.second else f"{moment:%Y-%m-%d %H:%M} UTC"


def bucket(moment: datetime, grain: str) -> str:
    """A bucket's start, as long as its grain needs."""
    shapes = {"month": "%Y-%m", "day": "%Y-%m-%d %a", "hour": "%Y-%m-%d %H:%M", "minute": "%Y-%m-%d %H:%M"}
    return format(moment, shapes[grain])


def bar(number: Decimal | int | None, greatest: Decimal, width: int) -> str:
    """A bar of eighths of a character, its length `number` ÷ `greatest` of `width`.

    >>> bar(Decimal(5), Decimal(10), 4), bar(None, Decimal(10), 4)
    ('██', '')
    """
    if number is None or not greatest:
        return ""
    with exact():
        eighths = int(abs(Decimal(number)) * width * 8 / greatest)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _decimals(number: Decimal) -> int:
    """Two from 1 upward; below, enough for two significant digits, up to 15."""
    if number == 0 or abs(number) >= 1:
        return 2
    return min(max(2, 1 - number.adjusted()), 15)


def _rounded(number: Decimal, decimals: int) -> Decimal:
    with localcontext() as context:
        context.prec = 76
        rounded = number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    # Minus nothing is nothing.
    return rounded if rounded else abs(rounded)


def _signed(number: Decimal) -> str:
    return f"{'-' if number < 0 else '+'}{abs(number):,f}"
