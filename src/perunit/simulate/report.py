"""Writes the truth beside the data. Enters: the tally, prices and bills. Leaves: truth.json, truth/*.csv, a summary."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from perunit.model.money import exact, plain
from perunit.simulate import company
from perunit.simulate.bills import RULES, Bill, Charge
from perunit.simulate.facts import Facts, facts_of
from perunit.simulate.ledger import FIGURES, Figures, Ledger, added, text_of, with_margins
from perunit.simulate.stories import stories_of
from perunit.simulate.truth import Cell, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from perunit.simulate.prices import Prices
    from perunit.simulate.scenario import Scenario

__all__ = ["Report", "Summary", "write_truth"]

_SAMPLED_ORDERS = 60
_IDLE_PLACES = Decimal(1).scaleb(-12)


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known when the last event has been written; `written` counts lines."""

    scenario: Scenario
    tally: Tally
    prices: Prices
    bills: list[Bill]
    written: dict[str, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """What was made. `lines` = `events` + `duplicates` + `conflicts`; margins are at list prices, before any bill."""

    directory: str
    seed: int
    first_day: str
    days: int
    lines: int
    events: int
    duplicates: int
    conflicts: int
    late: int
    orders: int
    parts: int
    bytes: int
    bills: tuple[str, ...]
    gross_revenue: str
    variable_cost: str
    contribution_margin: str
    price_change: str

    def as_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self)


def write_truth(room: Path, report: Report, out: Path) -> Summary:
    """Writes ``truth.json`` and ``truth/`` below `room`; `out` is where the project will stand."""
    folder = room / "truth"
    folder.mkdir()
    priced = _priced(report)
    daily = _grouped(priced)
    _write_csv(folder / "daily.csv", (*_KEYS, *FIGURES), _daily_rows(daily))
    _write_csv(folder / "users.csv", ("day", "plan", "region", "active_users"), _users(report))
    _write_csv(folder / "machines.csv", ("day", "resource", "cpu_seconds", "egress_bytes"), _machines(report))
    _write_csv(folder / "orders.csv", _ORDER_COLUMNS, _orders(report))
    _write_csv(folder / "bills.csv", _BILL_COLUMNS, _bill_rows(report.bills))
    totals = with_margins(added(daily.values()))
    truth = {
        **_truth(report),
        "totals": _texts(totals),
        "by": {name: _by(daily, position) for position, name in enumerate(_KEYS)},
        "lenses": _lenses(priced),
    }
    (room / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    return _summary(report, totals, out)


def _write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


_KEYS = ("day", "event_type", "plan", "region", "channel", "release")


_SEGMENTS = _KEYS[2:]

Key = tuple[str, ...]


def _priced(report: Report) -> list[tuple[Key, Cell, Figures]]:
    ledger = Ledger(report.prices)
    return [(_key(report.scenario, cell), cell, ledger.figures_of(cell)) for cell in report.tally.cells()]


def _grouped(priced: Iterable[tuple[Key, Cell, Figures]], first: int = 0) -> dict[Key, Figures]:
    """Figures by the names of `_KEYS` from `first` on; both sides of a price change are one row."""
    groups: dict[Key, list[Figures]] = defaultdict(list)
    for key, _, figures in priced:
        groups[key[first:]].append(figures)
    return {key: many[0] if len(many) == 1 else added(many) for key, many in sorted(groups.items())}


def _daily_rows(daily: dict[Key, Figures]) -> Iterator[Key]:
    for key, figures in daily.items():
        yield (*key, *(text_of(figures[name]) for name in FIGURES))


def _by(grouped: dict[Key, Figures], position: int) -> dict[str, dict[str, str]]:
    """The totals and margins of each value at one position of the keys."""
    groups: dict[str, list[Figures]] = defaultdict(list)
    for key, figures in grouped.items():
        groups[key[position]].append(figures)
    return {value: _texts(with_margins(added(many))) for value, many in groups.items()}


def _lenses(priced: list[tuple[Key, Cell, Figures]]) -> dict[str, Any]:
    """The same sums over the events that carry an order id, and over those that carry a user id."""
    lenses = {
        "order": [part for part in priced if part[1].has_order],
        "user": [part for part in priced if part[1].has_user],
    }
    return {unit: _lens(_grouped(parts, first=len(_KEYS) - len(_SEGMENTS))) for unit, parts in lenses.items()}


def _lens(segments: dict[Key, Figures]) -> dict[str, Any]:
    totals = _texts(with_margins(added(segments.values())))
    return {"totals": totals, "by": {name: _by(segments, position) for position, name in enumerate(_SEGMENTS)}}


def _key(scenario: Scenario, cell: Cell) -> tuple[str, ...]:
    return (
        _day(scenario, cell.day),
        company.EVENT_TYPES[cell.kind],
        company.PLANS[cell.plan],
        company.REGIONS[cell.region],
        company.CHANNELS[cell.channel] if cell.channel >= 0 else "",
        scenario.releases[cell.release],
    )


def _day(scenario: Scenario, day: int) -> str:
    return str(scenario.options.start + timedelta(days=day))


def _texts(figures: Figures) -> dict[str, str]:
    return {name: text_of(value) for name, value in figures.items()}


def _users(report: Report) -> Iterator[tuple[object, ...]]:
    for day, plan, region, count in report.tally.active_users():
        yield _day(report.scenario, day), company.PLANS[plan], company.REGIONS[region], count


def _machines(report: Report) -> Iterator[tuple[object, ...]]:
    for day, machine, cpu_ms, egress_bytes in report.tally.machine_days():
        seconds = plain(Decimal(cpu_ms).scaleb(-3))
        yield _day(report.scenario, day), company.RESOURCES[machine], seconds, egress_bytes


_ORDER_COLUMNS = (
    *("order_id", "placed", "plan", "region", "channel", "release", "events"),
    *("gross_revenue", "discounts", "refunds", "fees", "variable_cost", "contribution_margin"),
)


def _orders(report: Report) -> Iterator[tuple[str, ...]]:
    """The receipts of some orders, spread over the range; telemetry without an order id is not theirs."""
    orders, ledger = report.scenario.orders, Ledger(report.prices)
    picked = np.unique(np.linspace(0, orders - 1, _SAMPLED_ORDERS).astype(np.int64))
    facts = facts_of(report.scenario, picked)
    for number in picked.tolist():
        own = facts.take((facts["order"] == number) & (facts["keyed"] == 1))
        # Without a tail, of the last orders nothing may have arrived.
        if len(own):
            yield _receipt(report.scenario, ledger, own, number)


def _receipt(scenario: Scenario, ledger: Ledger, facts: Facts, number: int) -> tuple[str, ...]:
    tally = Tally(scenario)
    none = np.zeros(len(facts), dtype=np.bool_)
    tally.add(facts, none, none)
    cells = list(tally.cells())
    figures = with_margins(added(ledger.figures_of(cell) for cell in cells))
    placed = int(facts["time"].min())
    moment = np.datetime64(placed, "ms")
    segments = _key(scenario, cells[0])[2:]
    numbers = (text_of(figures[name]) for name in ("events", *_ORDER_COLUMNS[7:]))
    return (f"o-{100_000_000 + number}", f"{moment}Z", *segments, *numbers)


_BILL_COLUMNS = (
    *("file", "month", "version", "rule", "kind", "lines", "billed_cost", "effective_cost", "list_cost"),
    *("idle_billed_cost", "idle_effective_cost"),
)


def _bill_rows(bills: list[Bill]) -> Iterator[tuple[object, ...]]:
    for bill in bills:
        for rule, kind in RULES.items():
            charges = [charge for charge in bill.charges if charge.rule == rule]
            if charges:
                yield bill.file, bill.month, bill.version, rule, kind, len(charges), *_costs(charges)


def _costs(charges: Iterable[Charge]) -> tuple[str, ...]:
    """Billed, effective and list cost, exact; then the idle part of the first two, rounded to 12 places."""
    rows = [(charge.billed, charge.effective, charge.listed, charge.idle) for charge in charges]
    billed, effective, listed, idle = zip(*rows, strict=True)
    with exact():
        sums = [sum(costs, Decimal(0)) for costs in (billed, effective, listed)]
        unused = [_unused(costs, idle) for costs in (billed, effective)]
        return tuple(plain(value) for value in (*sums, *unused))


def _unused(costs: Iterable[Decimal], idle: Iterable[Fraction]) -> Decimal:
    part = sum((Fraction(cost) * share for cost, share in zip(costs, idle, strict=True)), Fraction(0))
    return (Decimal(part.numerator) / part.denominator).quantize(_IDLE_PLACES)


def _truth(report: Report) -> dict[str, Any]:
    scenario, options = report.scenario, report.scenario.options
    return {
        "options": {
            "events": options.events,
            "days": options.days,
            "seed": options.seed,
            "start": str(options.start),
            "duplicates": options.duplicates,
            "conflicts": options.conflicts,
            "late": options.late,
            "parts": options.parts,
            "price_change": _instant(options.change.isoformat()),
            # Not said where it is as ever, so that older files are made again byte for byte.
            **({} if options.tail else {"tail": False}),
        },
        "received": report.written["lines"],
        "bills": {bill.file: _bill(bill) for bill in report.bills},
        "stories": stories_of(scenario),
    }


def _bill(bill: Bill) -> dict[str, Any]:
    billed, effective, listed, *_ = _costs(bill.charges)
    totals = {"billed_cost": billed, "effective_cost": effective, "list_cost": listed}
    return {"month": bill.month, "version": bill.version, "lines": len(bill.charges), **totals}


def _instant(text: str) -> str:
    return text.replace("+00:00", "Z")


def _summary(report: Report, totals: Figures, out: Path) -> Summary:
    options, written = report.scenario.options, report.written
    return Summary(
        directory=str(out),
        seed=options.seed,
        first_day=str(options.start),
        days=options.days,
        lines=written["lines"],
        events=int(text_of(totals["events"])),
        duplicates=written["duplicates"],
        conflicts=written["conflicts"],
        late=int(text_of(totals["late"])),
        orders=report.scenario.orders,
        parts=written["parts"],
        bytes=written["bytes"],
        bills=tuple(f"bills/{bill.file}" for bill in report.bills),
        gross_revenue=text_of(totals["gross_revenue"]),
        variable_cost=text_of(totals["variable_cost"]),
        contribution_margin=text_of(totals["contribution_margin"]),
        price_change=_instant(options.change.isoformat()),
    )
