"""``perunit prices check``: whether the price books still say what the last bill charged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from decimal import Decimal

    from perunit.economics.price.live import LiveRate
    from perunit.model.window import Window

__all__ = ["check"]

_FAILED, _INCONCLUSIVE = 1, 3


@click.command()
@click.option("--tolerance", default="5%", metavar="SHARE", help="How far a billed rate may be from the list; 5%.")
@click.option("--period", metavar="YYYY-MM", help="Bills of this month; the newest bill's by default.")
@pass_settings
def check(settings: Settings, tolerance: str, period: str | None) -> None:
    """Compare list rates with the rates of the last bill.

    Exits with 1 where one is further from the other than the tolerance, with 3 where there is no bill to compare
    with.

    \b
    perunit prices check --tolerance 5% --period 2026-05
    """  # noqa: D301 - click reads the character
    from perunit.economics.price.live import Finding, last_period, live_rates
    from perunit.wiring import opened

    share, month = _share(tolerance), _month(period)
    with opened(settings.directory, purpose="prices check") as project:
        month = month or last_period(project.engine)
        rates = live_rates(project.engine, project.contract, month) if month else ()
    findings = {rate.finding(share) for rate in rates}
    compared = findings & {Finding.WITHIN, Finding.BEYOND}
    code = _FAILED if Finding.BEYOND in findings else (0 if compared else _INCONCLUSIVE)
    if settings.json:
        click.echo(json.dumps(_answer(rates, share, month, code), ensure_ascii=False, indent=2))
    else:
        _show(rates, share, month, code)
    if code:
        raise click.exceptions.Exit(code)


def _share(text: str) -> Decimal:
    from decimal import Decimal, InvalidOperation

    from perunit.model.errors import UsageError

    try:
        number = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        raise UsageError(f"--tolerance: got {text!r}, must be a share such as 5% or 0.05; correct it")
    return number.scaleb(-2) if text.endswith("%") else number


def _month(text: str | None) -> Window | None:
    from perunit.model.errors import UsageError
    from perunit.model.window import Window

    try:
        return None if text is None else Window.of_month(text)
    except ValueError as error:
        raise UsageError(f"--period: got {text!r}, must be a month such as 2026-05; correct it") from error


def _answer(rates: tuple[LiveRate, ...], share: Decimal, month: Window | None, code: int) -> dict[str, Any]:
    from perunit.model.money import plain

    return {
        "period": f"{month.start:%Y-%m}" if month else None,
        "tolerance": plain(share),
        "verdict": {0: "within", _FAILED: "beyond", _INCONCLUSIVE: "inconclusive"}[code],
        "rates": [_as_json(rate, share) for rate in rates],
    }


def _as_json(rate: LiveRate, share: Decimal) -> dict[str, Any]:
    from perunit.model.money import plain

    names = ("list_rate", "consumed_rate", "measured_rate", "difference", "at_stake", "effective_cost")
    figures = {name: getattr(rate, name) for name in (*names, "measured_quantity")}
    said = {"meter": rate.meter, "resource": rate.resource, "currency": rate.currency}
    said |= {name: None if value is None else plain(value) for name, value in figures.items()}
    return said | {"finding": str(rate.finding(share))}


def _show(rates: tuple[LiveRate, ...], share: Decimal, month: Window | None, code: int) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table
    from perunit.faces.cli.render import UNKNOWN, change, percent

    if not rates:
        click.echo("no bill has taken over any usage" + (f" in {month.start:%Y-%m}" if month else ""))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("meter", "resource", "list rate", "billed rate", "by measured usage", "difference", "at stake", ""):
        table.add_column(name, justify="left" if name in {"meter", "resource", ""} else "right")
    for rate in rates:
        stake = UNKNOWN if rate.at_stake is None else f"{change('money', rate.at_stake, None)} {rate.currency}"
        table.add_row(
            rate.meter, rate.resource or "all", _figure(rate.list_rate), _figure(rate.billed_rate),
            _figure(rate.measured_rate), UNKNOWN if rate.difference is None else percent(rate.difference), stake,
            str(rate.finding(share)),
        )  # fmt: skip
    print_table(table)
    verdict = {0: "list rates are within", _FAILED: "list rates are beyond", _INCONCLUSIVE: "nothing compares within"}
    click.echo(f"{month.start:%Y-%m}: {verdict[code]} {percent(share)} of billed rates" if month else "")


def _figure(rate: Decimal | None) -> str:
    from perunit.faces.cli.render import UNKNOWN

    return UNKNOWN if rate is None else f"{rate:.6g}"
