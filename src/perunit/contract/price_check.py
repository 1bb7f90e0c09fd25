"""What price books must say of each other and of the contract. Enters: the books as read. Leaves: faults.

All books in force are one list of prices: at every instant, for every event, at most one rate of a kind
applies to a meter, and a price that has begun does not pause.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING

from perunit.contract.document import did_you_mean, shown
from perunit.contract.expression import ExpressionError, parse
from perunit.contract.prices import Rate, ReadBook, eligible, in_force
from perunit.contract.shape_faults import shown_dimensions
from perunit.model.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.contract.shape import Contract
    from perunit.model.errors import Fault

__all__ = ["awaiting_notes", "check_prices", "clashes"]

_END = datetime.max.replace(tzinfo=UTC)
_FIELDS = (
    "meter",
    "price",
    "per",
    "unit",
    "effective_from",
    "effective_to",
    "event",
    "of",
    "percentage",
    "fixed",
    "on",
    "multiply",
    "discount_percent",
    "mode",
    "tiers",
    "minimum",
)

# Rates of one kind, meter and event type.
_Subject = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Clash:
    """Two rates that cannot stand together, or a hole between them; `rate` is the later one."""

    reason: str
    rate: Rate
    other: Rate
    window: Window


def check_prices(books: list[ReadBook], contract: Contract) -> list[Fault]:
    """Every fault of the price books, in no particular order."""
    faults = _repeated_versions(books)
    for read in books:
        faults += _against_contract(read, contract)
    versions = in_force(eligible(tuple(read.book for read in books if read.book), contract))
    current = [read for read in books if any(read.book is book for book in versions)]
    where = {rate.rate_id: (read, rate) for read in current if read.book for rate in read.book.rates}
    refused = frozenset().union(*(read.refused_meters for read in current))
    for clash in clashes([rate for _, rate in where.values()]):
        # A hole next to an entry that could not be read may be that very entry.
        if clash.reason == "gap" and {clash.rate.meter, clash.rate.event_type} & refused:
            continue
        faults.append(_clash_fault(clash, where[clash.rate.rate_id][0]))
    faults += _mixed_units(where, contract)
    return list(dict.fromkeys(faults))


def awaiting_notes(books: list[ReadBook], contract: Contract) -> list[Fault]:
    """A note for every version that is not in force because nobody has approved it."""
    held = eligible(tuple(read.book for read in books if read.book), contract)
    notes = []
    for read in books:
        if read.book is not None and not any(read.book is book for book in held):
            mend = f'run perunit prices approve {read.book.file} --actor NAME --reason "…"'
            rule = "awaits its approval and is not in force (prices.approval is required)"
            notes.append(read.document.fault(("version",), rule, mend, got=f"{read.book.name}@{read.book.version}"))
    return notes


def clashes(rates: list[Rate]) -> Iterator[Clash]:
    """Overlaps and gaps between rates of equal conditions, and ambiguities between equally specific ones."""
    subjects: dict[_Subject, list[Rate]] = defaultdict(list)
    for rate in rates:
        apart = rate.currency if rate.kind == "fx" else rate.adjusts or rate.event_type
        subjects[rate.kind, rate.meter, apart].append(rate)
    for same in subjects.values():
        if same[0].kind in {"adjustment", "fx"}:
            # All adjustments that match apply, and reference rates fill in for own ones: only overlaps are faults.
            yield from (clash for clash in _overlaps_and_gaps(same) if clash.reason == "overlap")
            continue
        yield from _overlaps_and_gaps(same)
        yield from _ambiguities(same)


def _overlaps_and_gaps(rates: list[Rate]) -> Iterator[Clash]:
    series: dict[frozenset[tuple[str, str]], list[Rate]] = defaultdict(list)
    for rate in rates:
        series[frozenset(rate.conditions.items())].append(rate)
    for dated in series.values():
        dated.sort(key=lambda rate: (rate.effective_from, rate.rate_id))
        last = dated[0]
        for rate in dated[1:]:
            if _until(last) > rate.effective_from:
                yield Clash("overlap", rate, last, Window(rate.effective_from, min(_until(last), _until(rate))))
            elif _until(last) < rate.effective_from:
                yield Clash("gap", rate, last, Window(_until(last), rate.effective_from))
            last = max(last, rate, key=_until)


def _ambiguities(rates: list[Rate]) -> Iterator[Clash]:
    by_dimensions: dict[frozenset[str], list[Rate]] = defaultdict(list)
    for rate in rates:
        by_dimensions[frozenset(rate.conditions)].append(rate)
    for one, other in combinations(by_dimensions, 2):
        if len(one) != len(other):
            continue
        for first, second in _compatible(by_dimensions[one], by_dimensions[other], one & other):
            start = max(first.effective_from, second.effective_from)
            end = min(_until(first), _until(second))
            if start < end and not _decided(first, second, start, end, rates):
                earlier, later = sorted((first, second), key=lambda rate: (rate.effective_from, rate.rate_id))
                yield Clash("ambiguous", later, earlier, Window(start, end))


def _compatible(first: list[Rate], second: list[Rate], shared: frozenset[str]) -> Iterator[tuple[Rate, Rate]]:
    """Pairs that one event can match: they agree on every dimension both look at."""
    keys = sorted(shared)
    by_values: dict[tuple[str, ...], list[Rate]] = defaultdict(list)
    for rate in second:
        by_values[tuple(rate.conditions[key] for key in keys)].append(rate)
    for rate in first:
        for other in by_values.get(tuple(rate.conditions[key] for key in keys), ()):
            yield rate, other


def _decided(first: Rate, second: Rate, start: datetime, end: datetime, rates: list[Rate]) -> bool:
    """Whether rates of more conditions, met by every event that meets both, cover ``[start, end)``."""
    both = (first.conditions | second.conditions).items()
    deciding = [
        rate for rate in rates if len(rate.conditions) > len(first.conditions) and rate.conditions.items() <= both
    ]
    for rate in sorted(deciding, key=lambda rate: rate.effective_from):
        if rate.effective_from <= start:
            start = max(start, _until(rate))
    return start >= end


def _until(rate: Rate) -> datetime:
    return rate.effective_to or _END


def _clash_fault(clash: Clash, read: ReadBook) -> Fault:
    start, end = (_day(side) for side in (clash.window.start, clash.window.end))
    other = _entry(clash.other)
    rule, mend = {
        "overlap": (
            f"must not overlap {other} ({start} to {end})",
            f"set effective_to: {_day(clash.rate.effective_from)} on the earlier of the two",
        ),
        "gap": (
            f"must follow {other} without a gap ({start} to {end} has no price)",
            f"set effective_to: {end} there or effective_from: {start} here, or add the price in between",
        ),
        "ambiguous": (
            f"must not compete with {other}, also of {_count(clash.rate)}: one event can meet both ({start} to {end})",
            "add a rate with the conditions of both",
        ),
    }[clash.reason]
    rate = clash.rate
    subject = rate.meter if rate.event_type is None else rate.event_type
    conditions = ", ".join(f"{key}: {value}" for key, value in rate.conditions.items())
    got = f"{subject}{f' ({conditions})' if conditions else ''} from {_day(rate.effective_from)}"
    return read.document.fault(read.entry_path(rate), rule, mend, got=got)


def _entry(rate: Rate) -> str:
    return "/".join(rate.rate_id.split("/")[:3])


def _count(rate: Rate) -> str:
    return f"{len(rate.conditions)} condition{'s' if len(rate.conditions) != 1 else ''}"


def _day(instant: datetime | None) -> str:
    if instant is None or instant == _END:
        return "no end"
    at = instant.astimezone(UTC)
    return at.date().isoformat() if at.time() == at.time().min else at.isoformat().replace("+00:00", "Z")


def _repeated_versions(books: list[ReadBook]) -> list[Fault]:
    first: dict[tuple[str, int], str] = {}
    faults = []
    for read in books:
        if read.book is None:
            continue
        key = (read.book.name, read.book.version)
        if key in first:
            rule = f"must be the only file of {key[0]} version {key[1]}, and {first[key]} is one"
            faults.append(
                read.document.fault(("version",), rule, f"raise it to {_next(books, key[0])} or remove one file")
            )
        first.setdefault(key, read.book.file)
    return faults


def _next(books: list[ReadBook], name: str) -> int:
    return 1 + max(read.book.version for read in books if read.book and read.book.name == name)


def _against_contract(read: ReadBook, contract: Contract) -> Iterator[Fault]:
    if read.book is None:
        return
    for rate in read.book.rates:
        if rate.kind == "fx":
            if rate.meter == rate.currency:
                rule, mend = f"must be another currency than the book's, {rate.currency}", "take the entry away"
                yield read.document.fault((*read.entry_path(rate), "currency"), rule, mend)
            continue
        yield from _against_meters(read, rate, contract)
        yield from _against_dimensions(read, rate, contract)
        yield from _against_events(read, rate, contract)


def _against_meters(read: ReadBook, rate: Rate, contract: Contract) -> Iterator[Fault]:
    if rate.event_type is not None or rate.meter == "*":
        return
    path, meters = read.entry_path(rate), contract.meter_names()
    if rate.meter not in meters:
        mend = did_you_mean(rate.meter, meters, "map it as usage in the contract or declare it under meters")
        yield read.document.fault((*path, "meter"), "must be a meter of the contract", mend)
    elif rate.kind != "adjustment" and rate.meter in contract.meters and rate.unit != contract.meters[rate.meter].unit:
        unit = contract.meters[rate.meter].unit
        rule = f"must be the unit of the meter, {unit}"
        yield read.document.fault((*path, "unit"), rule, f"write unit: {shown(unit)} and price per that unit")


def _against_dimensions(read: ReadBook, rate: Rate, contract: Contract) -> Iterator[Fault]:
    known = (*shown_dimensions(contract), "resource")
    for name in rate.conditions:
        if name not in known:
            rule = f"must be a segment of the contract or resource ({', '.join(known)})"
            mend = did_you_mean(name, (*known, *_FIELDS), "declare it as a segment, or take it away")
            yield read.document.fault((*read.entry_path(rate), name), rule, mend, got=shown(name))


def _against_events(read: ReadBook, rate: Rate, contract: Contract) -> Iterator[Fault]:
    if rate.event_type is None:
        return
    known = _event_types(contract)
    if known is not None and rate.event_type not in known:
        mend = did_you_mean(rate.event_type, known, "declare it under events, or correct the name")
        yield read.document.fault((*read.entry_path(rate), "event"), "must be an event type of the contract", mend)


def _event_types(contract: Contract) -> set[str] | None:
    """Every event type there can be; None where a source takes it from a column."""
    known = set(contract.events)
    for source in contract.sources.values():
        try:
            literals = parse(source.event.type).literals
        except ExpressionError:
            return None
        if literals is None:
            return None
        known |= literals
    return known


def _mixed_units(where: dict[str, tuple[ReadBook, Rate]], contract: Contract) -> Iterator[Fault]:
    """A meter that the contract does not declare has the unit of its first rate."""
    first: dict[str, Rate] = {}
    for read, rate in where.values():
        if rate.event_type is not None or rate.kind in {"adjustment", "fx"} or rate.meter in contract.meters:
            continue
        known = first.setdefault(rate.meter, rate)
        if rate.unit != known.unit:
            rule = f"must be the unit of {_entry(known)}, {known.unit}"
            mend = f"price it per {known.unit}, and declare meters.{rate.meter}.unit"
            yield read.document.fault((*read.entry_path(rate), "unit"), rule, mend)
