"""``perunit prices``: the price books in force."""

from __future__ import annotations

import json

import click

from perunit.faces.cli.context import Settings, pass_settings

__all__ = ["prices"]


@click.group()
def prices() -> None:
    """Price books: what usage costs, what it is sold for, and fees."""


@prices.command("list")
@click.option("--all", "every", is_flag=True, help="Withdrawn versions too.")
@pass_settings
def list_(settings: Settings, every: bool) -> None:
    """Show every rate in force, with its unit price and since when."""
    from perunit.wiring import opened

    condition = "true" if every else "b.withdrawn_at IS NULL"
    with opened(settings.directory, purpose="prices list") as project:
        rates = project.engine.records(
            "SELECT r.rate_id, r.kind, r.meter, r.event_type, map_entries(r.conditions) AS conditions, r.price, r.per, "
            "r.unit, r.currency, r.unit_price, r.effective_from, r.effective_to, b.withdrawn_at IS NULL AS in_force "
            f"FROM rates r JOIN price_books b USING (book, version) WHERE {condition} "
            "ORDER BY r.kind, r.meter, conditions, r.effective_from"
        )
    for rate in rates:
        rate["conditions"] = {entry["key"]: entry["value"] for entry in rate["conditions"]}
    if settings.json:
        click.echo(json.dumps(rates, default=str))
        return
    _show(rates)


def _show(rates: list[dict[str, object]]) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table
    from perunit.model.money import plain

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("kind", "meter", "where", "price", "per", "one unit", "from", "to", "rate"):
        table.add_column(name, justify="right" if name in {"price", "per", "one unit"} else "left")
    for rate in rates:
        where = dict(rate["conditions"])  # type: ignore[call-overload]
        if rate["event_type"]:
            where = {"type": rate["event_type"], **where}
        table.add_row(
            str(rate["kind"]), str(rate["meter"]), ", ".join(f"{k} {v}" for k, v in where.items()),
            f"{plain(rate['price'])} {rate['currency']}", f"{plain(rate['per'])} {rate['unit'] or ''}",  # type: ignore[arg-type]
            plain(rate["unit_price"]), f"{rate['effective_from']:%Y-%m-%d %H:%M}",  # type: ignore[arg-type]
            f"{rate['effective_to']:%Y-%m-%d %H:%M}" if rate["effective_to"] else "", str(rate["rate_id"]),
        )  # fmt: skip
    if rates:
        print_table(table)
    else:
        click.echo("no price book is in force; write one in prices/")
