"""Prices by volume, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from perunit.model.tiers import Tier, Tiered

MILLION = Decimal(1_000_000)
STEPS = (
    Tier(Decimal(0), up_to=MILLION),
    Tier(Decimal("0.40"), MILLION, 10 * MILLION),
    Tier(Decimal("0.20"), MILLION),
)


@pytest.mark.parametrize(
    ("mode", "minimum", "quantity", "charge"),
    [
        ("graduated", "0", "12000000", "4.00"),  # 0 + 9 × 0.40 + 2 × 0.20
        ("graduated", "5.00", "12000000", "5.00"),
        ("graduated", "5.00", "22000000", "6.00"),
        ("graduated", "0", "1000000", "0"),
        ("graduated", "0", "1000001", "0.0000004"),
        ("graduated", "5.00", "0", "0"),
        ("volume", "0", "12000000", "2.40"),
        ("volume", "0", "10000000", "4.00"),
        ("volume", "0", "1000000", "0"),
    ],
)
def test_a_month_by_hand(mode: str, minimum: str, quantity: str, charge: str) -> None:
    """Slices at their own prices, or all at the price of the tier; a bound belongs to the tier below it."""
    tiered = Tiered(mode, STEPS, Decimal(minimum))  # type: ignore[arg-type]
    assert tiered.quanta(Decimal(quantity)) == int(Decimal(charge) * 10**18)


@pytest.mark.parametrize(("quantity", "packages"), [("1", 1), ("1000", 1), ("1000.000000001", 2), ("2500", 3)])
def test_every_started_package_counts(quantity: str, packages: int) -> None:
    """2,500 in packages of 1,000 at 3.50 are three packages, 10.50."""
    tiered = Tiered("package", (Tier(Decimal("3.50"), Decimal(1000)),))
    assert tiered.quanta(Decimal(quantity)) == packages * 35 * 10**17


def test_a_charge_is_rounded_once_half_even() -> None:
    """A third of a cent twice over is rounded as their sum, at 18 places."""
    thirds = (Tier(Decimal("0.01"), Decimal(3), Decimal(1)), Tier(Decimal("0.01"), Decimal(3)))
    assert Tiered("graduated", thirds).quanta(Decimal(2)) == 6666666666666667


def test_a_text_gives_the_price_again() -> None:
    """With its factor; equal prices written differently have equal texts."""
    tiered = Tiered("graduated", STEPS, Decimal("5.00")).times([Decimal("1.15"), Decimal("0.9")])
    assert tiered.factor == Decimal("1.035")
    again = Tiered.of(tiered.text())
    assert again.text() == tiered.text()
    assert again.quanta(12 * MILLION) == 5 * 10**18
    assert again.adjusted(5 * 10**18) == 5175 * 10**15
