"""What things cost in this world. Enters: the instant of the price change. Leaves: price books, exact prices."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from perunit.model.money import unit_price
from perunit.simulate.company import PLANS, REGIONS

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["FEE_FIXED", "FEE_PERCENTAGE", "METERS", "Meter", "Price", "Prices"]

FEE_PERCENTAGE, FEE_FIXED = Decimal("2.9"), Decimal("0.30")

# Price per region before and after the change.
_CPU = (
    ("0.0464", "0.0512"),
    ("0.0508", "0.0560"),
    ("0.0464", "0.0512"),
    ("0.0431", "0.0475"),
    ("0.0722", "0.0797"),
)
_EGRESS = ("0.09", "0.09", "0.09", "0.1093", "0.15")
_LLM_IN, _LLM_OUT = "2.50", ("10.00", "12.00")
_EXPORT = "0.02"


@dataclass(frozen=True, slots=True)
class Meter:
    """How a meter is counted here: a quantity is the integer in `column` divided by 10^`places`."""

    name: str
    unit: str
    column: str
    places: int


METERS = (
    Meter("cpu_seconds", "s", "cpu_ms", 3),
    Meter("egress_bytes", "By", "egress_bytes", 0),
    Meter("llm_input_tokens", "{token}", "tokens_in", 0),
    Meter("llm_output_tokens", "{token}", "tokens_out", 0),
    Meter("exports", "{export}", "exports", 0),
)


@dataclass(frozen=True, slots=True)
class Price:
    """One entry of a price book; `condition` limits it to a segment, None as an end is open."""

    meter: str
    price: str
    per: int
    unit: str
    condition: tuple[str, str] | None
    begins: datetime
    ends: datetime | None

    @property
    def each(self) -> Decimal:
        """What one unit of the meter costs."""
        return unit_price(Decimal(self.price), Decimal(self.per))

    def as_yaml(self) -> str:
        """The entry as one line of a price book."""
        parts = [f"meter: {self.meter}", f'price: "{self.price}"', f"per: {self.per}", f'unit: "{self.unit}"']
        parts += [f"{self.condition[0]}: {self.condition[1]}"] if self.condition else []
        parts.append(f"effective_from: {_instant(self.begins)}")
        parts += [f"effective_to: {_instant(self.ends)}"] if self.ends else []
        return f"  - {{{', '.join(parts)}}}"


@dataclass(frozen=True)
class Prices:
    """All prices; they begin with the year of the first day and move once, at `change`."""

    begins: datetime
    change: datetime

    @cached_property
    def cloud(self) -> tuple[Price, ...]:
        """Processor time by region, dearer after the change, and egress by region."""
        cpu = [
            price
            for region, both in zip(REGIONS, _CPU, strict=True)
            for price in self._moved("cpu_seconds", both, 3600, "s", ("region", region))
        ]
        egress = [
            Price("egress_bytes", price, 10**9, "By", ("region", region), self.begins, None)
            for region, price in zip(REGIONS, _EGRESS, strict=True)
        ]
        return (*cpu, *egress)

    @cached_property
    def models(self) -> tuple[Price, ...]:
        """Tokens; only those written get dearer."""
        read = Price("llm_input_tokens", _LLM_IN, 10**6, "{token}", None, self.begins, None)
        return (read, *self._moved("llm_output_tokens", _LLM_OUT, 10**6, "{token}", None))

    @cached_property
    def revenue(self) -> tuple[Price, ...]:
        """What customers pay for usage: exports cost extra on the team plan."""
        return (Price("exports", _EXPORT, 1, "{export}", ("plan", "team"), self.begins, None),)

    def cost_of(self, meter: str, region: int, after: bool) -> Decimal:
        """The unit price of a meter in a region, before or after the change; 0 where the meter has no price."""
        return _each((*self.cloud, *self.models), meter, ("region", REGIONS[region]), self._moment(after))

    def revenue_of(self, meter: str, plan: int, after: bool) -> Decimal:
        """What one unit of a meter earns on a plan; 0 where it is included."""
        return _each(self.revenue, meter, ("plan", PLANS[plan]), self._moment(after))

    def _moment(self, after: bool) -> datetime:
        return self.change if after else self.begins

    def _moved(
        self, meter: str, both: tuple[str, str], per: int, unit: str, condition: tuple[str, str] | None
    ) -> tuple[Price, Price]:
        before = Price(meter, both[0], per, unit, condition, self.begins, self.change)
        return before, Price(meter, both[1], per, unit, condition, self.change, None)

    def files(self) -> dict[str, str]:
        """Name and text of each price book."""
        head = "# A price that has begun is never edited: add an entry, or a file with the next version.\n"
        return {
            "cloud.yaml": head + _book("cloud", rates=self.cloud),
            "models.yaml": head + _book("models", rates=self.models),
            "product.yaml": head + _book("product", revenue=self.revenue),
            "payments.yaml": head
            + _book("payments")
            + "fees:\n"
            + f'  - {{event: payment.settled, of: revenue, percentage: "{FEE_PERCENTAGE}", fixed: "{FEE_FIXED}", '
            + f"effective_from: {_instant(self.begins)}}}\n",
        }


def _book(name: str, **sections: tuple[Price, ...]) -> str:
    text = f"book: {name}\nversion: 1\ncurrency: USD\n"
    for section, prices in sections.items():
        text += f"{section}:\n" + "".join(price.as_yaml() + "\n" for price in prices)
    return text


def _each(prices: tuple[Price, ...], meter: str, condition: tuple[str, str], moment: datetime) -> Decimal:
    for price in prices:
        fits = price.meter == meter and price.condition in {None, condition}
        if fits and price.begins <= moment and (price.ends is None or moment < price.ends):
            return price.each
    return Decimal(0)


def _instant(moment: datetime) -> str:
    text = moment.isoformat(timespec="auto").removesuffix("+00:00")
    return text.removesuffix("T00:00:00") if text.endswith("T00:00:00") else f'"{text}Z"'
