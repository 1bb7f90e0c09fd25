"""``perunit prices``: the price books, what is in force, and how a version comes into force."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.context import Settings, pass_settings
from perunit.faces.cli.price_changes import approve, diff, import_, preview, rollback
from perunit.faces.cli.price_check import check

if TYPE_CHECKING:
    from perunit.contract.prices import PriceBook, Rate
    from perunit.wiring import Opened

__all__ = ["prices"]


@click.group()
def prices() -> None:
    """Price books: what usage costs, what it is sold for, and fees."""


for _command in (diff, preview, approve, rollback, import_, check):
    prices.add_command(_command)


@prices.command("list")
@click.option("--all", "every", is_flag=True, help="Withdrawn versions too.")
@pass_settings
def list_(settings: Settings, every: bool) -> None:
    """Show every rate with its unit price, since when, its status and who approved it.

    A rate is effective, future or ended by its dates; withdrawn, where another version or none is in force; draft
    or awaiting approval, where its version is not in force yet.
    """
    from perunit.wiring import opened

    with opened(settings.directory, purpose="prices list") as project:
        rates = [*_stored(project, every), *_waiting(project)]
    if settings.json:
        told = [rate | {"tiers": json.loads(str(rate["tiers"])) if rate["tiers"] else None} for rate in rates]
        click.echo(json.dumps(told, default=str))
        return
    _show(rates)


_STORED = (
    "SELECT r.rate_id, r.kind, r.meter, r.event_type, map_entries(r.conditions) AS conditions, r.price, r.per, "
    "r.unit, r.currency, r.adjusts, r.unit_price, r.tiers, r.effective_from, r.effective_to, "
    "b.withdrawn_at IS NULL AS in_force, a.actor AS approved_by, a.reason, a.approved_at "
    "FROM rates r JOIN price_books b USING (book, version) LEFT JOIN price_approvals a USING (book, version) "
    "WHERE r.base_rate_id IS NULL AND (b.withdrawn_at IS NULL OR $every) "
    "ORDER BY r.kind, r.meter, conditions, r.effective_from"
)


def _stored(project: Opened, every: bool) -> list[dict[str, Any]]:
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
    from perunit.contract.drafts import draft_files
    from perunit.contract.read import read_book

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


def _price(rate: dict[str, Any]) -> str:
    from perunit.model.money import plain
    from perunit.model.tiers import Tiered

    return str(Tiered.of(rate["tiers"])) if rate["tiers"] else plain(rate["price"])


def _show(rates: list[dict[str, object]]) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table
    from perunit.model.money import plain

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("kind", "meter", "where", "price", "per", "one unit", "from", "to", "rate", "status", "approved by"):
        table.add_column(name, justify="right" if name in {"price", "per", "one unit"} else "left")
    for rate in rates:
        where = dict(rate["conditions"])  # type: ignore[call-overload]
        if rate["event_type"]:
            where = {"type": rate["event_type"], **where}
        table.add_row(
            str(rate["kind"]), str(rate["meter"]), ", ".join(f"{k} {v}" for k, v in where.items()),
            f"{_price(rate)} {rate['currency']}", f"{plain(rate['per'])} {rate['unit'] or ''}",  # type: ignore[arg-type]
            "" if rate["tiers"] else plain(rate["unit_price"]), f"{rate['effective_from']:%Y-%m-%d %H:%M}",  # type: ignore[arg-type]
            f"{rate['effective_to']:%Y-%m-%d %H:%M}" if rate["effective_to"] else "", str(rate["rate_id"]),
            str(rate["status"]), str(rate["approved_by"] or ""),
        )  # fmt: skip
    if rates:
        print_table(table)
    else:
        click.echo("no price book is in force; write one in prices/")
