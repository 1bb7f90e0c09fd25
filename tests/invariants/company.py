"""A small company for the invariants: its contract, its price books, and a store in memory to deliver events to."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from perunit import pipeline
from perunit.contract.prices import PriceBook, Rate
from perunit.contract.project import Project
from perunit.contract.shape import Contract
from perunit.engine.duckdb import Engine
from perunit.facts import lines
from perunit.model.money import unit_price
from perunit.store import project_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + timedelta(days=30)
LIMIT = 2
DIMENSIONS = ("plan", "region", "channel")
METERS = ("cpu_seconds", "egress_bytes", "reviews")
ACCOUNTS = ("revenue", "discount", "refund", "fee", "tax", "cost")

CONTRACT: dict[str, Any] = {
    "version": 1,
    "currency": "USD",
    "units": {
        "order": {
            "owner": "checkout",
            "key": "order_id",
            "parent": "user",
            "segments": list(DIMENSIONS),
            "success": "type = 'order.completed'",
        },
        "user": {"owner": "growth", "key": "user_id", "counted": "active"},
    },
    "events": {
        "order.completed": {
            "unit": "order",
            "amounts": {"revenue": "data.total", "discount": "data.discount", "fee": "data.fee"},
            "currency": "data.currency",
        },
        "order.attempted": {"unit": "order", "outcome": "data.outcome", "intent": "data.intent"},
        "order.refunded": {"unit": "order", "amounts": {"refund": "data.total"}, "currency": "data.currency"},
        "api.called": {
            "unit": "order",
            "usage": {meter: f"data.{meter}" for meter in METERS},
            "resource": "data.host",
            "latency_ms": "data.duration_ms",
        },
        "user.visited": {"unit": "user", "outcome": "data.outcome"},
    },
    "meters": {"cpu_seconds": {"unit": "s"}, "reviews": {"unit": "{review}", "priced": False}},
    "segments": {"limit": LIMIT},
}


# Weights are 1 where an event says nothing, and unknown where it says 0.
for _event in CONTRACT["events"].values():
    _event["weight"] = "nullif(coalesce(data.weight, 1), 0)"


@dataclass(frozen=True)
class Event:
    """One CloudEvent as the company's services send it; what is None is not sent at all."""

    id: str
    type: str
    time: datetime
    source: str = "shop"
    recorded: datetime | None = None
    order_id: str | None = "o1"
    user_id: str | None = "u1"
    plan: str | None = None
    region: str | None = None
    channel: str | None = None
    currency: str | None = None
    outcome: str | None = None
    host: str | None = None
    numbers: tuple[tuple[str, Decimal], ...] = ()
    offset_hours: int = 0
    weight: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one event however often it is delivered."""
        return self.source, self.id

    def number(self, name: str) -> Decimal | None:
        """An amount, a quantity or a latency of its data."""
        return dict(self.numbers).get(name)

    def line(self) -> str:
        """The event as one line of JSON; numbers go as decimal text, so that every digit arrives."""
        names = ("order_id", "user_id", *DIMENSIONS, "currency", "outcome", "host", "weight")
        data = {name: value for name in names if (value := getattr(self, name)) is not None}
        data |= {name: f"{value:f}" for name, value in self.numbers}
        sent = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, "data": data}
        sent["time"] = self._text(self.time)
        if self.recorded is not None:
            sent["recordedtime"] = self._text(self.recorded)
        return json.dumps(sent, ensure_ascii=False)

    def _text(self, instant: datetime) -> str:
        if not self.offset_hours:
            return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        sign = "+" if self.offset_hours > 0 else "-"
        local = instant + timedelta(hours=self.offset_hours)
        return f"{local:%Y-%m-%dT%H:%M:%S.%f}{sign}{abs(self.offset_hours):02d}:00"


def numbers(**given: str) -> tuple[tuple[str, Decimal], ...]:
    """Amounts and quantities from text."""
    return tuple((name, Decimal(text)) for name, text in given.items())


def rate(
    number: int,
    meter: str,
    price: str,
    per: str = "1",
    *,
    since: datetime = START,
    until: datetime | None = None,
    kind: Literal["cost", "revenue", "fee", "adjustment"] = "cost",
    event_type: str | None = None,
    version: int = 1,
    adjusts: str | None = None,
    **conditions: str,
) -> Rate:
    """One rate of the company's book."""
    each = unit_price(Decimal(price), Decimal(per))
    return Rate(
        kind, meter, event_type, conditions, Decimal(price), Decimal(per), "1", "USD", each, since, until,
        f"cloud@{version}/{number}", number, adjusts,
    )  # fmt: skip


def book(version: int, *rates: Rate) -> PriceBook:
    """One version of the company's book."""
    dated = tuple(replace(each, rate_id=f"cloud@{version}/{number}") for number, each in enumerate(rates))
    return PriceBook("cloud", version, "USD", None, "prices/cloud.yaml", f"digest {version}", dated)


def clock() -> datetime:
    """A month after the company opened, always."""
    return NOW


@contextmanager
def groups_of(size: int | None) -> Iterator[None]:
    """Files of lines are committed in groups of about `size` bytes instead of hundreds of megabytes."""
    if size is None:
        yield
        return
    defaults = lines.line_groups.__kwdefaults__ or {}
    before = defaults["group_bytes"], lines._READ_BYTES
    defaults["group_bytes"], lines._READ_BYTES = size, size
    try:
        yield
    finally:
        defaults["group_bytes"], lines._READ_BYTES = before


@dataclass
class Company:
    """A store in memory under the company's contract and the price books it is given."""

    folder: Path
    contract: Contract = field(default_factory=lambda: Contract.model_validate(CONTRACT))
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    engine: Engine = field(default_factory=lambda: Engine(threads=1))
    files: int = 0

    def __post_init__(self) -> None:
        self.grow(self.contract)

    def grow(self, contract: Contract) -> None:
        """Goes on under another contract."""
        self.contract = contract
        project_store._prepare(self.engine, tuple(contract.units), contract.dimensions(), contract.meter_names())

    def project(self, books: Sequence[PriceBook] = ()) -> Project:
        """The project as `pipeline` takes it."""
        return Project(self.folder, self.contract, self.schemas, tuple(books))

    def price(self, *books: PriceBook) -> None:
        """Puts price books in force and nothing else."""
        pipeline.start(self.project(books), self.engine, clock)

    def deliver(
        self, *files: Sequence[str], books: Sequence[PriceBook] = (), group_bytes: int | None = None
    ) -> list[pipeline.FileReport]:
        """Ingests files of these lines, each under a name of its own, in one run."""
        paths = []
        for each in files:
            self.files += 1
            path = self.folder / f"events-{self.files}.ndjson"
            path.write_text("".join(f"{line}\n" for line in each), encoding="utf-8")
            paths.append(path)
        return self.ingest(*paths, books=books, group_bytes=group_bytes)

    def ingest(
        self,
        *paths: Path,
        source: str = "cloudevents",
        books: Sequence[PriceBook] = (),
        group_bytes: int | None = None,
    ) -> list[pipeline.FileReport]:
        """Ingests files that lie there already."""
        with groups_of(group_bytes):
            return pipeline.ingest(self.project(books), self.engine, [(source, p) for p in paths], clock=clock)

    def recompute(self, *books: PriceBook) -> None:
        """Computes every rollup anew from the facts."""
        pipeline.recompute(self.project(books), self.engine)
