"""A reconciliation for people: tables on a screen, Markdown and CSV for finance."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from perunit.economics.reconcile.variance import VARIANCE_CAUSES
from perunit.faces.cli import render
from perunit.model.money import exact, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from perunit.economics.reconcile.bridge import Bridge
    from perunit.economics.reconcile.entries import Entry
    from perunit.economics.reconcile.locks import Lock
    from perunit.economics.reconcile.tie_out import InvoiceLine
    from perunit.economics.reconcile.variance import Variance
    from perunit.measures.closing import Reconciliation, Score

__all__ = ["csv_text", "entry_line", "lock_line", "markdown", "show", "show_short"]

_SHOWN = 12
_STYLES = {"ties out": "green", "ties out with entries": "green", "differs": "red", "no lines": "red"}
_HEADS = ("issuer", "invoice", "currency", "lines", "billed", "entries", "invoice total", "difference", "status")


def show(answer: Reconciliation, *, variance: bool, as_of: datetime | None = None) -> None:
    """Prints a reconciliation: invoices, scores, bridge, and what to do next."""
    known = f", as known at {render.instant(as_of)}" if as_of else ""
    click.secho(f"Reconciliation of {answer.period}", bold=True, nl=False)
    click.echo(f", {answer.status}{known}\n")
    _show_table(_HEADS, [_invoice_cells(line) for line in answer.tie_out.invoices], "no invoices and no bills")
    click.secho(_tolerance(answer), dim=True)
    for score in answer.scores:
        _show_score(score)
    for bridge in answer.bridges:
        _show_bridge(bridge)
    if variance:
        _show_variances(answer.variances)
    _show_verdict(answer)


def show_short(answer: Reconciliation) -> None:
    """Prints the invoices and the bridges alone."""
    _show_table(_HEADS, [_invoice_cells(line) for line in answer.tie_out.invoices], "no invoices and no bills")
    click.secho(_tolerance(answer), dim=True)
    for bridge in answer.bridges:
        _show_bridge(bridge)


def entry_line(entry: Entry) -> str:
    """One decision in a sentence."""
    sign = "" if entry.amount < 0 else "+"
    why = f", {entry.cause}" if entry.cause else ""
    what = f"{entry.kind} of entry {entry.reverses}" if entry.reverses else entry.kind
    return (
        f"entry {entry.entry_id}: {what} {sign}{plain(entry.amount)} {entry.billing_currency} on {entry.invoice_id}"
        f"{why}: {entry.reason} ({entry.actor}, {render.instant(entry.entered_at)})"
    )


def lock_line(lock: Lock) -> str:
    """One lock in a sentence."""
    whose = f" for {lock.invoice_issuer_name}" if lock.invoice_issuer_name else ""
    return f"{lock.period} locked{whose}: {lock.reason} ({lock.actor}, {lock.locked_at.isoformat()})"


def _tolerance(answer: Reconciliation) -> str:
    tolerance = answer.tie_out.tolerance
    return f"ties out within {plain(tolerance)} (reconciliation.tolerance)" if tolerance else "ties out at 0.00 exactly"


def _invoice_cells(line: InvoiceLine) -> tuple[str, ...]:
    def shown(amount: Decimal | None) -> str:
        return render.UNKNOWN if amount is None else _exactly(amount)

    return (
        line.invoice_issuer_name or render.UNKNOWN,
        line.invoice_id or "(no invoice id)",
        line.billing_currency,
        f"{line.lines:,}",
        shown(line.billed_cost),
        shown(line.entries) if line.entries else "",
        shown(line.total),
        shown(line.difference),
        str(line.status),
    )


def _exactly(amount: Decimal) -> str:
    """Every place that is there, at least two: a tie-out is to the last digit."""
    return render.fixed(amount, render.places([amount], 18))


def _show_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], nothing: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from perunit.faces.cli.query import print_table

    if not rows:
        click.echo(nothing)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, justify="left" if head in _WORDS else "right", no_wrap=head != "status")
    for row in rows:
        table.add_row(*row[:-1], Text(row[-1], style=_STYLES.get(row[-1], "" if "█" in row[-1] else "yellow")))
    print_table(table)


_WORDS = {
    "causes",
    "issuer",
    "invoice",
    "currency",
    "status",
    "service",
    "account",
    "step",
    "",
    "meter",
    "resource",
    "period",
}


def _show_score(score: Score) -> None:
    whole = render.UNKNOWN if score.score is None else render.percent(score.score)
    click.secho(f"\nAllocation score {whole}", bold=True, nl=False)
    click.echo(f" of EffectiveCost in {score.currency} has a bearer, by service and account, worst first\n")
    most = max((abs(cost.gap) for cost in score.costs), default=Decimal(0))
    rows = [
        (
            cost.service_name or render.UNKNOWN,
            cost.cloud_account or render.UNKNOWN,
            render.money(cost.source_cost),
            render.money(cost.allocated_cost),
            render.money(cost.gap),
            render.UNKNOWN if cost.score is None else render.percent(cost.score),
            render.bar(cost.gap, most, 16),
        )
        for cost in score.costs[:_SHOWN]
    ]
    _show_table(("service", "account", "source", "allocated", "gap", "score", ""), rows, "no cost in the period")
    if len(score.costs) > _SHOWN:
        click.secho(f"and {len(score.costs) - _SHOWN} more, all with smaller gaps; --format csv has all", dim=True)


_BAR = 30
_NAMES = {
    "price": "price: billed rate against list rate",
    "usage": "usage: billed quantity against measured",
    "unpriced": "usage without a list price",
    "missing_usage": "billed, not measured",
    "missing_charge": "measured, not billed",
    "duplicate": "charged twice",
    "timing": "of another period",
    "currency": "list price in another currency",
    "idle": "idle, bought and not used",
    "direct": "named by the line",
    "shared": "shared",
    "unallocated": "unallocated",
    "unused_commitment": "unused commitment",
    "tax": "tax",
    "credit": "credits",
    "correction": "corrections",
    "upfront_purchase": "purchases beyond what was used of them",
    "amortisation": "amortisation of commitments",
    "other_periods": "lines in bills of other periods",
    "entries": "accepted and adjusted",
    "not_invoiced": "lines without a known invoice",
    "rounding": "within the tolerance",
    "unexplained": "UNEXPLAINED",
}


def _show_bridge(bridge: Bridge) -> None:
    end = "invoice total" if bridge.is_invoiced else "billed cost"
    click.secho(f"\nFrom computed cost to {end}", bold=True, nl=False)
    click.echo(f" in {bridge.currency}\n")
    rows = list(_bridge_rows(bridge))
    amounts = [amount for _, amount, _, _ in rows] + [reached for *_, reached in rows]
    count = render.places(amounts, 6)
    low, high = min([Decimal(0), *(row[3] for row in rows)]), max([Decimal(0), *(row[3] for row in rows)])
    shown = [
        (name, render.fixed(amount, count), render.fixed(reached, count), _waterfall(start, reached, low, high))
        for name, amount, start, reached in rows
    ]
    _show_table(("step", "amount", "reached", ""), shown, "")
    if bridge.open:
        click.secho(f"the steps leave {plain(bridge.open)} open: this is a bug of perunit, please report it", fg="red")


def _bridge_rows(bridge: Bridge) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """(step, amount, from, to) of the steps that are not zero, and the costs they lead to."""
    nothing = Decimal(0)
    yield "usage at list prices", bridge.computed, nothing, bridge.computed
    before = bridge.computed
    for step in bridge.steps:
        if step.name == "upfront_purchase":
            yield "= effective cost", bridge.effective, nothing, bridge.effective
        if step.name == "other_periods" and bridge.is_invoiced:
            yield "= billed cost", bridge.billed, nothing, bridge.billed
        if step.amount:
            yield _NAMES[step.name], step.amount, before, step.reached
        before = step.reached
    yield f"= {'invoice total' if bridge.is_invoiced else 'billed cost'}", bridge.end, nothing, bridge.end


def _waterfall(start: Decimal, end: Decimal, low: Decimal, high: Decimal) -> str:
    """A bar from `start` to `end` on a line from `low` to `high`."""
    if high == low:
        return ""
    with exact():
        left, right = (int((each - low) * _BAR / (high - low)) for each in (min(start, end), max(start, end)))
    return " " * left + ("█" * (right - left) or "▏")


def _show_variances(found: Sequence[Variance]) -> None:
    click.secho("\nBilled against estimated", bold=True)
    click.echo("by meter, resource and charge period; the causes sum to the variance\n")
    heads = ("service", "meter", "resource", "period", "currency", "estimated", "billed", "variance", "causes")
    rows = [
        (
            each.service or render.UNKNOWN,
            each.meter,
            each.resource or render.UNKNOWN,
            f"{each.charge_period_start:%Y-%m-%d}" if each.charge_period_start else "all",
            each.currency,
            render.money(each.estimated),
            render.money(each.billed),
            render.money(each.variance),
            ", ".join(f"{cause} {render.money(part)}" for cause, part in each.parts.items()),
        )
        for each in sorted(found, key=lambda each: (each.currency, -abs(each.variance)))[:_VARIANCES]
    ]
    _show_table(heads, rows, "no usage that a bill has taken over")
    if len(found) > _VARIANCES:
        click.secho(f"and {len(found) - _VARIANCES} more, all with smaller variances; --format csv has all", dim=True)


_VARIANCES = 20


def _show_verdict(answer: Reconciliation) -> None:
    colour = {"ties out": "green", "differs": "red"}.get(answer.verdict, "yellow")
    click.echo()
    click.secho(answer.verdict, fg=colour, bold=True, nl=False)
    click.echo(f", {answer.status}")
    for words in _next(answer):
        click.echo(f"  {words}")


def _next(answer: Reconciliation) -> Iterator[str]:
    """What can be done about each invoice, and then about the period."""
    for line in answer.tie_out.invoices:
        match str(line.status):
            case "differs" | "no lines":
                yield (
                    f"perunit reconcile accept {line.invoice_id} --actor NAME --reason TEXT"
                    f"    or mend the bill; {plain(line.difference or Decimal(0))} {line.billing_currency} is open"
                )
            case "no invoice to tie out with":
                issuer = f'"{line.invoice_issuer_name}"' if line.invoice_issuer_name else "ISSUER"
                yield (
                    f"perunit bills invoice {issuer} {line.invoice_id} TOTAL --currency {line.billing_currency} "
                    f"--period {answer.period}"
                )
            case "lines without invoice id":
                yield f"{line.lines:,} lines name no invoice: the export lacks InvoiceId, or the invoice is not out yet"
            case _:
                pass
    if answer.verdict == "ties out" and answer.status == "provisional":
        yield f"perunit reconcile lock --period {answer.period} --actor NAME --reason TEXT"


def _rows(answer: Reconciliation) -> Iterator[tuple[str, tuple[str, ...], Sequence[tuple[str, ...]]]]:
    """Every section as (title, headings, rows), figures exact."""
    yield (
        "Invoices",
        _HEADS,
        [
            (
                line.invoice_issuer_name or "",
                line.invoice_id or "",
                line.billing_currency,
                str(line.lines),
                plain(line.billed_cost),
                plain(line.entries),
                _plain(line.total),
                _plain(line.difference),
                str(line.status),
            )
            for line in answer.tie_out.invoices
        ],
    )
    costs = [
        (
            score.currency,
            cost.service_name or "",
            cost.cloud_account or "",
            plain(cost.source_cost),
            plain(cost.allocated_cost),
            plain(cost.gap),
            _plain(cost.score),
        )
        for score in answer.scores
        for cost in score.costs
    ]
    steps = ("currency", "step", "amount", "reached")
    yield "Bridge", steps, list(_bridge_cells(answer))
    heads = ("currency", "service", "meter", "resource", "from", "to", "estimated", "billed", "variance")
    yield "Variance", (*heads, *VARIANCE_CAUSES), list(_variance_cells(answer))
    yield "Allocation score", ("currency", "service", "account", "source", "allocated", "gap", "score"), costs


def _bridge_cells(answer: Reconciliation) -> Iterator[tuple[str, ...]]:
    for bridge in answer.bridges:
        yield bridge.currency, "computed", plain(bridge.computed), plain(bridge.computed)
        for step in bridge.steps:
            yield bridge.currency, step.name, plain(step.amount), plain(step.reached)
        end = "invoice_total" if bridge.is_invoiced else "billed_cost"
        yield bridge.currency, end, plain(bridge.end), plain(bridge.end)


def _variance_cells(answer: Reconciliation) -> Iterator[tuple[str, ...]]:
    for each in answer.variances:
        dates = (each.charge_period_start, each.charge_period_end)
        yield (
            each.currency,
            each.service or "",
            each.meter,
            each.resource or "",
            *("" if date is None else date.isoformat() + "Z" for date in dates),
            plain(each.estimated),
            plain(each.billed),
            plain(each.variance),
            *(plain(each.parts.get(cause, Decimal(0))) for cause in VARIANCE_CAUSES),
        )


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else plain(amount)


def csv_text(answer: Reconciliation) -> str:
    """One table a section, each under its title, with an empty line between (RFC 4180)."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    for title, heads, rows in _rows(answer):
        writer.writerow([title, answer.period, answer.status, answer.verdict])
        writer.writerow(heads)
        writer.writerows(rows)
        writer.writerow([])
    return page.getvalue()


def markdown(answer: Reconciliation) -> str:
    """The same as a document."""
    parts = [f"# Reconciliation of {answer.period}\n\n{answer.verdict}, {answer.status}; {_tolerance(answer)}.\n"]
    for title, heads, rows in _rows(answer):
        lines = [_markdown_row(heads), _markdown_row(("---",) * len(heads)), *map(_markdown_row, rows)]
        parts.append(f"\n## {title}\n\n" + "\n".join(lines) + "\n")
    parts += [f"\nreconciliation_score in {score.currency}: {_plain(score.score)}\n" for score in answer.scores]
    return "".join(parts)


def _markdown_row(cells: tuple[str, ...]) -> Any:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
