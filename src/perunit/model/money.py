"""Money: how many places it has, which currencies there are, and the one decimal context it is computed in.

Amounts recorded by a source are kept to 12 decimal places (`AMOUNT_SCALE`), quantities to 9, unit prices to 15;
a quantity times a unit price therefore has at most 24 places, which a DECIMAL(38, 24) holds without rounding.
"""

from __future__ import annotations

from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "AMOUNT_SCALE",
    "COST_SCALE",
    "QUANTITY_SCALE",
    "UNIT_PRICE_SCALE",
    "currencies",
    "divide",
    "exact",
    "is_currency",
    "plain",
    "unit_price",
]

AMOUNT_SCALE = 12
QUANTITY_SCALE = 9
UNIT_PRICE_SCALE = 15
COST_SCALE = QUANTITY_SCALE + UNIT_PRICE_SCALE

# Wide enough for a DECIMAL(38, 24) times a DECIMAL(38, 12) without rounding; Python's default of 28 is not,
# and a new thread starts from the default.
_CONTEXT = Context(prec=76, rounding=ROUND_HALF_EVEN)

# ISO 4217 as of 2026: active codes of circulating currencies, the metals and units of account left out.
_CURRENCIES = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BHD",
        "BIF",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CLF",
        "CLP",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DJF",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GNF",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IQD",
        "IRR",
        "ISK",
        "JMD",
        "JOD",
        "JPY",
        "KES",
        "KGS",
        "KHR",
        "KMF",
        "KPW",
        "KRW",
        "KWD",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "LYD",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "RWF",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SVC",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TND",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "UGX",
        "USD",
        "UYU",
        "UYW",
        "UZS",
        "VED",
        "VES",
        "VND",
        "VUV",
        "WST",
        "XAF",
        "XCD",
        "XCG",
        "XOF",
        "XPF",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
    ]
)


@contextmanager
def exact() -> Iterator[Context]:
    """The decimal context of every money computation: 76 digits, half-even, in this thread."""
    with localcontext(_CONTEXT) as context:
        yield context


def currencies() -> frozenset[str]:
    """Every ISO 4217 code an amount may carry."""
    return _CURRENCIES


def is_currency(code: str) -> bool:
    """Whether `code` is an ISO 4217 currency, upper case as the standard writes it."""
    return code in _CURRENCIES


def unit_price(price: Decimal, per: Decimal) -> Decimal:
    """What one unit of a meter costs: `price` / `per`, half-even at 15 places.

    This is the only division between a price book and a total, so that every total above it is a plain sum of
    products and adds up to the last digit whichever way it is grouped.

    >>> unit_price(Decimal("0.27"), Decimal(1_000_000))
    Decimal('2.7E-7')
    """
    with exact():
        return (price / per).quantize(Decimal(1).scaleb(-UNIT_PRICE_SCALE)).normalize()


def divide(numerator: Decimal | None, denominator: Decimal | int | None) -> Decimal | None:
    """A ratio, divided last; None where either side is unknown or there is nothing to divide by.

    >>> divide(Decimal(1), 8)
    Decimal('0.125')
    >>> divide(Decimal(1), 0) is None
    True
    """
    if numerator is None or not denominator:
        return None
    with localcontext(Context(prec=38, rounding=ROUND_HALF_EVEN)):
        return numerator / Decimal(denominator)


def plain(value: Decimal) -> str:
    """The shortest exact text of a decimal, without exponent or trailing zeros.

    >>> plain(Decimal("1.500")), plain(Decimal("2.7E-7")), plain(Decimal("-0.00")), plain(Decimal("100"))
    ('1.5', '0.00000027', '0', '100')
    """
    with exact():
        text = f"{value.normalize():f}"
    return "0" if text in {"-0", ""} else text
