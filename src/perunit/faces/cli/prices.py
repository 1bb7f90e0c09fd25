"""``perunit prices``: the price books, what is in force, and how a version comes into force."""

from __future__ import annotations

import json
from typing import Any

import click

from perunit.faces.cli.context import Settings, pass_settings
from perunit.faces.cli.price_changes import approve, diff, import_, preview, rollback
from perunit.faces.cli.price_check import check

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
    from perunit.faces.price_changes import listed_rates
    from perunit.wiring import opened

    with opened(settings.directory, purpose="prices list") as project:
        rates = listed_rates(project, every)
    if settings.json:
        told = [rate | {"tiers": json.loads(str(rate["tiers"])) if rate["tiers"] else None} for rate in rates]
        click.echo(json.dumps(told, default=str))
        return
    _show(rates)


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
