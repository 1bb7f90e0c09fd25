"""A price book's way from draft into force, for the command line and the API. Enters: an opened project and names.
Leaves: what changes, what it would have meant, and versions in force.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit import pipeline
from perunit.contract.drafts import draft_files, open_draft, publish, repeated
from perunit.contract.prices import Approval
from perunit.contract.read import read_book, read_project
from perunit.economics.price.differences import changes, stored_rates
from perunit.economics.price.replay import changes_past, past_amounts, replayed
from perunit.faces.cli.render import change as shown_change
from perunit.model.errors import StoreError, UsageError
from perunit.model.money import exact, plain
from perunit.model.window import Window
from perunit.store.control.annotations import Noted, annotate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perunit.contract.drafts import Draft
    from perunit.contract.prices import PriceBook, Rate
    from perunit.economics.price.differences import Change
    from perunit.measures.preview import Preview
    from perunit.store.control.database import ControlStore
    from perunit.wiring import Opened

__all__ = [
    "RepricesPastError",
    "amounts_text",
    "books_with",
    "change_json",
    "listed_rates",
    "loaded",
    "note_version",
    "past_change",
    "preview_json",
    "put_in_force",
    "roll_back",
    "sides",
    "taken",
    "version_of",
]

_log = logging.getLogger("perunit.prices")
Side = tuple[str | None, "tuple[Rate, ...]"]


def sides(project: Opened, old: str, new: str | None) -> tuple[Side, Side]:
    """The two lists of rates that are compared, each with its name."""
    if new is not None:
        return side(project, old), side(project, new)
    name, rates = side(project, old)
    assert name is not None  # noqa: S101 - what a person named has a name
    book, version = name.rsplit("@", 1)
    versions = [number for number in loaded(project, book) if number < int(version)]
    return (stored(project, book, versions[-1]) if versions else (None, ())), (name, rates)


def side(project: Opened, name: str) -> Side:
    """The rates of ``BOOK@V``, of a book's newest version, or of a draft's file."""
    book, _, version = name.partition("@")
    if versions := loaded(project, book):
        return stored(project, book, version_of(project, book, version) if version else versions[-1])
    draft = open_draft(project.project, name, taken(project))
    return f"{draft.book.name}@{draft.book.version}", draft.book.rates


def stored(project: Opened, book: str, version: int) -> Side:
    """The rates of a version that was loaded."""
    return f"{book}@{version}", stored_rates(project.engine, book, version)


def version_of(project: Opened, book: str, version: str) -> int:
    """The number of a version; raises UsageError where it was never loaded."""
    versions = loaded(project, book)
    if not version.isdecimal() or int(version) not in versions:
        known = ", ".join(str(number) for number in versions) or "none"
        raise UsageError(f"{book}@{version}: must be a version that was loaded (there is {known}); correct the number")
    return int(version)


def loaded(project: Opened, book: str) -> list[int]:
    """The versions of a book that were ever loaded."""
    rows = project.engine.rows("SELECT version FROM price_books WHERE book = $book ORDER BY version", {"book": book})
    return [version for (version,) in rows]


def taken(project: Opened) -> dict[str, int]:
    """Book → its highest version so far."""
    return dict(project.engine.rows("SELECT book, max(version) FROM price_books GROUP BY book"))


def books_with(project: Opened, draft: Draft) -> tuple[PriceBook, ...]:
    """The books that may be in force, with the draft in place of its file."""
    others = (book for book in project.project.eligible_books if book.file != draft.book.file)
    return (*others, draft.book)


def roll_back(project: Opened, book: str, version: str, actor: str, reason: str, reprice_past: bool) -> dict[str, Any]:
    """Puts the prices of an earlier version in force again, as a new version; raises UsageError as approval does."""
    number = version_of(project, book, version)
    content = project.engine.value(
        "SELECT content FROM price_books WHERE book = $book AND version = $version", {"book": book, "version": number}
    )
    draft = repeated(project.project, content, book, taken(project))
    return put_in_force(project, draft, {"actor": actor, "reason": reason, "rolled_back_to": number}, reprice_past)


def put_in_force(project: Opened, draft: Draft, said: dict[str, Any], reprice_past: bool) -> dict[str, Any]:
    """Files first, then the store: a run that dies in between is completed by the next one."""
    now = project.clock()
    past = past_change(project, draft, now)
    if past is not None and not reprice_past:
        _refuse(draft, past)
    approval = Approval(approved_at=now, reprices_past=past is not None, **said)
    path = publish(project.project.root, draft, approval)
    pipeline.start(read_project(project.project.root), project.engine, project.clock)
    name, version = draft.book.name, draft.book.version
    file = path.relative_to(project.project.root).as_posix()
    return {"book": name, "version": version, "file": file, **approval.model_dump(mode="json"), "past": past}


def note_version(opened: Opened, control: ControlStore, made: Mapping[str, Any], by: str) -> None:
    """Notes a version that came into force beside the figures, from when its first price differs.

    The version is in force whatever becomes of the note.
    """
    name = f"{made['book']}@{made['version']}"
    (_, before), (_, after) = sides(opened, name, None)
    since = min((change.start for change in changes(before, after)), default=opened.clock())
    try:
        annotate(control, Noted("price_change", name, since, text=str(made["reason"])), by, opened.clock())
    except StoreError as error:
        _log.warning("%s is in force and not noted: %s", name, error)


def past_change(project: Opened, draft: Draft, now: datetime) -> dict[str, Any] | None:
    """From when on and by how much the draft changes what usage so far was priced at; None where it does not."""
    with replayed(project.engine, project.contract, books_with(project, draft), now, Window(None, None)):
        changed = changes_past(project.engine)
        if changed is None:
            return None
        amounts = past_amounts(project.engine)
    with exact():
        changes = [
            {"kind": each.kind, "currency": each.currency, "before": plain(each.stored), "after": plain(each.replayed)}
            | {"change": plain(each.replayed - each.stored)}
            for each in amounts
            if each.replayed != each.stored
        ]
    return {"from": f"{changed[0].isoformat()}Z", "amounts": changes}


class RepricesPastError(UsageError):
    """A version would change the price of usage that is already there; `past` says from when on and by how much."""

    def __init__(self, message: str, past: dict[str, Any]) -> None:
        self.past = past
        super().__init__(message)


def _refuse(draft: Draft, past: dict[str, Any]) -> None:
    raise RepricesPastError(
        f"{draft.book.file}: changes the price of usage since {past['from']} ({amounts_text(past)}); begin its prices "
        "later, or give --reprice-past if the past is to be priced anew",
        past,
    )


def amounts_text(past: dict[str, Any]) -> str:
    """What a change of past prices comes to, in words."""
    said = [
        f"{each['kind']} {shown_change('money', Decimal(each['change']), None)} {each['currency']}"
        for each in past["amounts"]
    ]
    return ", ".join(said) or "no amount in all"


def change_json(change: Change) -> dict[str, Any]:
    """One change as plain values."""
    rate = change.rate
    sides = {"before": change.before, "after": change.after}
    return {
        "what": change.what, "kind": rate.kind, "meter": rate.meter, "event_type": rate.event_type,
        "conditions": rate.conditions, "from": change.start.isoformat(),
        "to": change.end.isoformat() if change.end else None,
        **{name: _side_json(side) for name, side in sides.items()},
        "ratio": None if change.ratio is None else plain(change.ratio),
    }  # fmt: skip


def _side_json(rate: Rate | None) -> dict[str, Any] | None:
    if rate is None:
        return None
    prices = {"price": rate.price, "per": rate.per, "unit_price": rate.unit_price}
    tiers = {"tiers": json.loads(rate.tiers)} if rate.tiers else {}
    return {"rate_id": rate.rate_id} | {name: plain(value) for name, value in prices.items()} | tiers


def preview_json(draft: Draft, answer: Preview) -> dict[str, Any]:
    """A preview as plain values."""
    return {
        "draft": f"{draft.book.name}@{draft.book.version}",
        "unit": answer.unit,
        "currency": answer.currency,
        "total": answer.total.as_json(),
        "rows": [row.as_json() for row in answer.rows],
        "unpriced_usage": {"before": answer.unpriced[0], "after": answer.unpriced[1]},
    }


_STORED = (
    "SELECT r.rate_id, r.kind, r.meter, r.event_type, map_entries(r.conditions) AS conditions, r.price, r.per, "
    "r.unit, r.currency, r.adjusts, r.unit_price, r.tiers, r.effective_from, r.effective_to, "
    "b.withdrawn_at IS NULL AS in_force, a.actor AS approved_by, a.reason, a.approved_at "
    "FROM rates r JOIN price_books b USING (book, version) LEFT JOIN price_approvals a USING (book, version) "
    "WHERE r.base_rate_id IS NULL AND (b.withdrawn_at IS NULL OR $every) "
    "ORDER BY r.kind, r.meter, conditions, r.effective_from"
)


def listed_rates(project: Opened, every: bool) -> list[dict[str, Any]]:
    """Every rate in force (with `every` the withdrawn ones too) and those that wait, with their status.

    A rate is effective, future or ended by its dates; withdrawn, where another version or none is in force; draft or
    awaiting approval, where its version is not in force yet.
    """
    return [*_stored_rates(project, every), *_waiting(project)]


def _stored_rates(project: Opened, every: bool) -> list[dict[str, Any]]:
    now = project.clock().astimezone(UTC).replace(tzinfo=None)
    rates = project.engine.records(_STORED, {"every": every})
    for rate in rates:
        rate["conditions"] = {entry["key"]: entry["value"] for entry in rate["conditions"]}
        rate["status"] = _status(rate, now)
    return rates


def _status(rate: dict[str, Any], now: datetime) -> str:
    if not rate["in_force"]:
        return "withdrawn"
    if rate["effective_from"] > now:
        return "future"
    return "ended" if rate["effective_to"] is not None and rate["effective_to"] <= now else "effective"


def _waiting(project: Opened) -> list[dict[str, Any]]:
    """The rates of versions that are not in force yet, from their files."""
    held = project.project.eligible_books
    awaiting = [book for book in project.project.price_books if book not in held]
    drafts = [read_book(path, project.project.root).book for path in draft_files(project.project.root)]
    found = [(book, "awaiting approval") for book in awaiting] + [(book, "draft") for book in drafts if book]
    return [_from_file(book, rate, status) for book, status in found for rate in book.rates]


def _from_file(book: PriceBook, rate: Rate, status: str) -> dict[str, Any]:
    names = (
        "rate_id",
        "kind",
        "meter",
        "event_type",
        "conditions",
        "price",
        "per",
        "unit",
        "currency",
        "adjusts",
        "unit_price",
        "tiers",
    )
    dated = {name: _naive(getattr(rate, name)) for name in ("effective_from", "effective_to")}
    said = {"in_force": False, "approved_by": None, "reason": None, "approved_at": None, "status": status}
    return {name: getattr(rate, name) for name in names} | dated | said | {"file": book.file}


def _naive(instant: datetime | None) -> datetime | None:
    return instant and instant.astimezone(UTC).replace(tzinfo=None)
