"""``perunit receipt``: all that makes up one unit's margin, printed like a till receipt."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli import render
from perunit.faces.cli.completion import complete_units
from perunit.faces.cli.context import Settings, pass_settings
from perunit.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from perunit.measures.receipt import Exchanged, Receipt, Related
    from perunit.measures.receipt_bills import BillLine, ShareLine
    from perunit.measures.receipt_events import EventLine, UsageLine

    Money = Callable[[Decimal], str]

__all__ = ["WIDTH", "receipt", "receipt_text"]

WIDTH = 64
_LISTED = 8
_PLACES_MAX = 6

_NAMES = {
    "revenue": "revenue",
    "discount": "discount",
    "refund": "refund",
    "fee": "fee",
    "tax": "tax (memo)",
    "cost": "cost",
}
_TAKEN_OFF = frozenset({"discount", "refund", "fee", "cost"})


@click.command()
@click.argument("unit_type", shell_complete=complete_units)
@click.argument("unit_id")
@click.option("--as-of", metavar="T", help="As known at this instant.")
@pass_settings
def receipt(settings: Settings, unit_type: str, unit_id: str, as_of: str | None) -> None:
    """Show the receipt of one unit: events, amounts, usage × rate, bill lines, margin.

    \b
    perunit receipt order 12345
    """  # noqa: D301 - click reads the character
    from perunit.faces.cli.query import parse_option_instant
    from perunit.facts.privacy.changes import pseudonym_of
    from perunit.measures.receipt import receipt as receipt_of
    from perunit.wiring import opened

    with opened(settings.directory, purpose="receipt", as_of=parse_option_instant("--as-of", as_of)) as project:
        key = pseudonym_of(project.project, unit_type, unit_id)
        found = receipt_of(project.engine, project.contract, unit_type, key, project.permit)
    if settings.json:
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo(receipt_text(found), nl=False)


def receipt_text(found: Receipt) -> str:
    """The receipt as text, `WIDTH` columns wide."""
    return "\n".join(line.rstrip() for line in _lines(found)) + "\n"


def _lines(found: Receipt) -> Iterator[str]:
    places = render.places(_amounts(found), _PLACES_MAX)

    def money(amount: Decimal) -> str:
        return render.fixed(amount, places)

    yield from _head(found)
    for event in found.events:
        yield from _event(event, found.currency, money)
    if found.bill_lines:
        yield _rule("bill lines of its own")
        for bill in found.bill_lines:
            yield from _bill(bill, found.currency, money)
    if found.shares:
        yield _rule("share of bills for its segments")
        for shares in _folded(found.shares):
            yield from _share(shares, found.currency, money)
    if found.exchanged:
        yield _rule("exchange rates")
        yield from map(_exchanged, found.exchanged)
    yield _rule("")
    yield from _totals(found, money)
    if found.children:
        yield _rule("units on the same events")
        yield from _children(found.children)
    yield "═" * WIDTH
    for note in found.notes:
        yield from _wrapped(f"! {note}")


def _amounts(found: Receipt) -> Iterator[Decimal]:
    """Every amount the receipt shows."""
    for event in found.events:
        yield from event.amounts.values()
        yield from (line.amount for line in event.usage if line.amount is not None)
    yield from (bill.effective_cost for bill in found.bill_lines)
    yield from (share.cost for share in found.shares if share.cost is not None)


def _head(found: Receipt) -> Iterator[str]:
    yield "═" * WIDTH
    yield f"{found.unit_type} {found.unit_key}".center(WIDTH)
    yield render.instant(found.opened_at).center(WIDTH)
    yield "═" * WIDTH
    for name, segment in found.segments.items():
        yield _pair(name, segment or render.UNKNOWN)
    for parent in found.parents:
        yield _pair(f"of {parent.unit_type}", parent.unit_key)
    yield _pair("amounts in", found.currency)
    yield "─" * WIDTH


def _event(event: EventLine, home: str, money: Money) -> Iterator[str]:
    outcome = f" [{event.outcome}]" if event.outcome else ""
    late = " late" if event.late else ""
    yield _pair(f"{event.event_type}{outcome}{late}", f"{event.event_time:%m-%d %H:%M:%S}")
    yield from _wrapped(f"{event.source} {event.id}", indent=2)
    for account, amount in event.amounts.items():
        yield _pair(f"  {_NAMES[account]}{_foreign(event, home)}", money(-amount if account in _TAKEN_OFF else amount))
    for line in event.usage:
        yield from _usage(line, home, money)


def _usage(line: UsageLine, home: str, money: Money) -> Iterator[str]:
    quantity = render.quantity(line.quantity)
    if line.rate_id is None:
        word = "UNPRICED" if line.pricing == "unpriced" else "measured"
        yield _pair(f"  {quantity} {line.unit or ''} {line.meter}", word)
        return
    yield _pair(f"  {_priced_of(line, quantity)}{_foreign(line, home)}", _usage_amount(line, money))
    yield f"    {line.rate_id}" + (f"  on {line.resource}" if line.resource else "")


def _priced_of(line: UsageLine, quantity: str) -> str:
    assert line.price is not None  # noqa: S101 - a priced line has its rate
    assert line.per is not None  # noqa: S101
    if line.meter == "@events":
        return f"{line.kind} of {plain(line.price)} an event"
    if line.meter.startswith("@"):
        return f"{line.kind} of {plain(line.price)} % of {line.meter[1:]} {quantity}"
    per = "" if line.per == 1 else f" / {render.quantity(line.per)}"
    return f"{quantity} {line.unit or ''} {line.meter} × {plain(line.price)}{per}"


def _usage_amount(line: UsageLine, money: Money) -> str:
    assert line.amount is not None  # noqa: S101 - a priced line has an amount
    if line.pricing == "billed":
        return f"(list {money(line.amount)}) see bill"
    return money(line.amount if line.kind == "revenue" else -line.amount)


def _foreign(line: EventLine | UsageLine | BillLine | ShareLine, home: str) -> str:
    """The currency of a line where it is not the receipt's."""
    return "" if line.currency == home else f", in {line.currency}"


def _bill(bill: BillLine, home: str, money: Money) -> Iterator[str]:
    yield _pair(f"{bill.rule}{_foreign(bill, home)}", money(-bill.effective_cost))
    first = bill.lines[0] if bill.lines else {}
    what = first.get("service_name") or first.get("charge_description") or "bill"
    more = f" and {bill.line_count - 1} more" if bill.line_count > 1 else ""
    line = f" line {first['line']}{more}" if first else ""
    yield from _wrapped(f"{bill.day:%Y-%m-%d} {what}, bill {bill.bill_id}{line}", indent=2)


def _folded(shares: tuple[ShareLine, ...]) -> Iterator[list[ShareLine]]:
    """Each share by itself; those in nothing at all, of one rule and day, together."""

    def run_of(share: ShareLine) -> Any:
        nothing = share.whole_cost == 0 and share.cost == 0
        return (share.rule, share.kind, share.currency, share.day) if nothing else id(share)

    return (list(run) for _, run in groupby(shares, run_of))


def _share(shares: list[ShareLine], home: str, money: Money) -> Iterator[str]:
    share = shares[0]
    cost = render.UNKNOWN if share.cost is None else money(-share.cost)
    yield _pair(f"{share.rule} ({share.kind}){_foreign(share, home)}", cost)
    if len(shares) > 1:
        yield from _wrapped(f"{share.day:%Y-%m-%d} {len(shares)} shares of {money(share.whole_cost)}", indent=2)
        return
    part, whole = render.quantity(share.part), render.quantity(share.whole)
    on = f" on {share.resource}" if share.resource else ""
    basis = f"{share.day:%Y-%m-%d} {part} of {whole} {share.basis}{on}"
    yield from _wrapped(f"{basis}, of {money(share.whole_cost)}", indent=2)


def _exchanged(found: Exchanged) -> str:
    published = "" if found.published == found.day else f" of {found.published}"
    return _pair(f"{found.day} 1 {found.currency}, {found.origin}{published}", plain(found.rate))


def _totals(found: Receipt, money: Money) -> Iterator[str]:
    totals = found.totals
    taken_off = [name for name in ("discounts", "refunds") if totals[name] is not None]
    if taken_off:
        yield _pair("gross revenue", _shown(totals["gross_revenue"], money))
    for name in taken_off:
        yield _pair(name, _taken_off(totals[name], money))
    yield _pair("REVENUE", _shown(totals["revenue"], money))
    yield _pair("variable cost", _taken_off(totals["variable_cost"], money))
    yield " " * (WIDTH - 16) + "─" * 16
    yield _pair("CONTRIBUTION MARGIN", _shown(totals["contribution_margin"], money))
    if totals["shared_cost"] is not None:
        yield _pair("shared cost", _taken_off(totals["shared_cost"], money))
    if totals["fixed_cost"] is not None:
        yield _pair("fixed cost", _taken_off(totals["fixed_cost"], money))
    if totals["shared_cost"] is not None or totals["fixed_cost"] is not None:
        yield _pair("after shared cost", _shown(totals["margin_after_shared_cost"], money))
    if found.status:
        yield _pair("costs are", found.status)
    if found.unpriced:
        yield _pair("usage without a price", str(found.unpriced))


def _shown(amount: Decimal | None, money: Money) -> str:
    return render.UNKNOWN if amount is None else money(amount)


def _taken_off(amount: Decimal | None, money: Money) -> str:
    return render.UNKNOWN if amount is None else money(-amount)


def _children(children: tuple[Related, ...]) -> Iterator[str]:
    for child in children[:_LISTED]:
        yield _pair(f"{child.unit_type} {child.unit_key}", f"{child.events:,} event{'' if child.events == 1 else 's'}")
    if len(children) > _LISTED:
        yield f"and {len(children) - _LISTED:,} more"


def _rule(title: str) -> str:
    return f"── {title} ".ljust(WIDTH, "─") if title else "─" * WIDTH


def _pair(left: str, right: str) -> str:
    """Left and right on one line; a left side that is too long is cut, for the right side holds the amount."""
    room = WIDTH - len(right) - 1
    if len(left) > room:
        left = left[: room - 1] + "…"
    return f"{left}{right.rjust(WIDTH - len(left))}"


def _wrapped(text: str, indent: int = 0) -> Iterator[str]:
    import textwrap

    space = " " * indent
    yield from textwrap.wrap(text, WIDTH, initial_indent=space, subsequent_indent=space) or [space]
