"""``perunit prices diff | preview | approve | rollback``: a price book's way from draft into force, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.completion import complete_dimensions, complete_units
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from perunit.contract.drafts import Draft
    from perunit.contract.prices import Rate
    from perunit.economics.price.differences import Change
    from perunit.economics.price.lists import PriceList
    from perunit.measures.preview import Preview, PreviewRow
    from perunit.wiring import Opened

__all__ = ["approve", "diff", "import_", "preview", "rollback"]


def complete_drafts(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The files in prices/drafts."""
    from pathlib import Path

    from click.shell_completion import CompletionItem

    folder = (ctx.find_root().params.get("directory") or Path()) / "prices" / "drafts"
    return [CompletionItem(path.name) for path in sorted(folder.glob("*.y*ml")) if path.name.startswith(incomplete)]


def complete_books(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The versions in prices/, as BOOK@V."""
    import re
    from pathlib import Path

    from click.shell_completion import CompletionItem

    folder = (ctx.find_root().params.get("directory") or Path()) / "prices"
    found = []
    for path in sorted(folder.glob("*.y*ml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        said = [re.search(rf"^{key}:\s*(\S+)", text, re.MULTILINE) for key in ("book", "version")]
        found += ["@".join(match[1] for match in said if match)] if all(said) else []
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


@click.command()
@click.argument("old", metavar="BOOK[@V]", shell_complete=complete_books)
@click.argument("new", metavar="[BOOK[@V]]", required=False, shell_complete=complete_books)
@pass_settings
def diff(settings: Settings, old: str, new: str | None) -> None:
    """Show what changes between two versions, rate by rate.

    A version is BOOK@V, a BOOK's version in force, or a draft's file. With one of them: what a draft would change;
    what a version changed against the one before it.

    \b
    perunit prices diff cloud-october.yaml
    perunit prices diff cloud@2 cloud@3
    """  # noqa: D301 - click reads the character
    from perunit.economics.price.differences import changes
    from perunit.faces.price_changes import change_json, sides
    from perunit.wiring import opened

    with opened(settings.directory, purpose="prices diff") as project:
        (before, earlier), (after, later) = sides(project, old, new)
    found = changes(earlier, later)
    if settings.json:
        said = {"from": before, "to": after, "changes": [change_json(change) for change in found]}
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    click.echo(f"{before or 'nothing'} → {after}: {len(found)} change{'' if len(found) == 1 else 's'}")
    if found:
        _show_changes(found)


@click.command()
@click.argument("draft", shell_complete=complete_drafts)
@click.option("--from", "start", metavar="T", help="Usage from this hour on; all there is by default.")
@click.option("--to", "end", metavar="T", help="Usage up to this hour, itself excluded.")
@click.option("--by", multiple=True, metavar="DIM", shell_complete=complete_dimensions, help="Cut by; may be repeated.")
@click.option("--unit", shell_complete=complete_units, help="Seen from which unit type; the contract's first.")
@click.option("--rates-of", metavar="T", help="Price the whole window at the rates in force at this instant.")
@pass_settings
def preview(
    settings: Settings, draft: str, start: str | None, end: str | None, by: tuple[str, ...], unit: str | None,
    rates_of: str | None,
) -> None:  # fmt: skip
    """Replay stored usage under a draft: what revenue, cost and margin would have been.

    Stored data is read, never changed. A draft whose prices begin later changes nothing of the past by its own
    dates; --rates-of an instant asks what the past would come to at the prices of then.

    \b
    perunit prices preview cloud-october.yaml --from 2026-09-01 --to 2026-10-01 --by plan --rates-of 2026-10-01
    """  # noqa: D301 - click reads the character
    from perunit.contract.drafts import open_draft
    from perunit.faces.cli.query import parse_option_instant, parse_window
    from perunit.faces.price_changes import books_with, preview_json, taken
    from perunit.measures.preview import preview as replay
    from perunit.wiring import opened

    window, instant = parse_window(start, end), parse_option_instant("--rates-of", rates_of)
    dimensions = tuple(name for word in by for name in word.split(","))
    with opened(settings.directory, purpose="prices preview") as project:
        found = open_draft(project.project, draft, taken(project))
        books = books_with(project, found)
        asked: dict[str, Any] = {"window": window, "unit": unit, "by": dimensions, "rates_of": instant}
        answer = replay(project.engine, project.contract, books, project.clock(), **asked)
    if settings.json:
        click.echo(json.dumps(preview_json(found, answer), ensure_ascii=False, indent=2))
    else:
        _show_preview(found, answer, dimensions)


@click.command("import")
@click.argument("source", metavar="genai|FILE")
@click.option("--book", required=True, metavar="NAME", help="The price book's name, and the draft's.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="genai: a model as events name it; repeat it.")
@click.option("--provider", metavar="ID", help="genai: who sells it, where several do.")
@click.option("--since", metavar="DATE", help="Since when prices hold that the list does not date.")
@click.option("--meter", "renamed", multiple=True, metavar="THEIRS=OURS", help="A meter's name in the contract.")
@pass_settings
def import_(
    settings: Settings, source: str, book: str, models: tuple[str, ...], provider: str | None, since: str | None,
    renamed: tuple[str, ...],
) -> None:  # fmt: skip
    """Write a draft from a price list: a CSV or YAML file, or the maintained token prices of language models.

    A file has the columns meter, price, per, unit, from and to; any other column is a condition.

    \b
    perunit prices import genai --model claude-sonnet-4-5 --provider anthropic --since 2026-01-01 --book llm
    perunit prices import vendor.csv --book vendor
    """  # noqa: D301 - click reads the character
    from perunit.contract.drafts import write_draft
    from perunit.contract.read import read_project
    from perunit.economics.price.lists import draft_text

    project = read_project(settings.directory)
    prices = _price_list(source, models, provider, project.contract.dimensions())
    text = draft_text(book, project.contract.currency, prices, since, _renamed(renamed))
    path = write_draft(project.root, book, text).relative_to(project.root).as_posix()
    if settings.json:
        said = {"file": path, "rates": len(prices.entries), "remarks": list(prices.remarks)}
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    click.echo(f"{path}: {len(prices.entries)} rates from {prices.origin}")
    for remark in prices.remarks:
        click.echo(f"    {remark}")
    click.echo(f"    next: perunit prices preview {book}.yaml")


def _price_list(source: str, models: tuple[str, ...], provider: str | None, dimensions: tuple[str, ...]) -> PriceList:
    from pathlib import Path

    from perunit.economics.price.lists import genai_list, read_list

    if source != "genai":
        return read_list(Path(source))
    if not models:
        raise click.UsageError("import genai: name at least one model with --model")
    return genai_list(models, provider, dimensions)


def _renamed(pairs: tuple[str, ...]) -> dict[str, str]:
    from perunit.model.errors import UsageError

    for pair in pairs:
        if pair.count("=") != 1:
            raise UsageError(f"--meter: got {pair!r}, must be THEIRS=OURS, as in input_tokens=llm_input_tokens")
    return dict(pair.split("=") for pair in pairs)


_ACTOR = click.option("--actor", required=True, metavar="NAME", help="Who approves.")
_REASON = click.option("--reason", required=True, metavar="TEXT", help="Why.")
_REPRICE = click.option("--reprice-past", is_flag=True, help="Allow prices of past usage to change.")


@click.command()
@click.argument("draft", shell_complete=complete_drafts)
@_ACTOR
@_REASON
@_REPRICE
@pass_settings
def approve(settings: Settings, draft: str, actor: str, reason: str, reprice_past: bool) -> None:
    """Put a draft in force as the next version of its book.

    Refused where it would change the price of usage that is already there, unless --reprice-past says that this
    is meant; either way the amount is shown.

    \b
    perunit prices approve cloud-october.yaml --actor "Kim Lee" --reason "list prices of 1 October"
    """  # noqa: D301 - click reads the character
    from perunit.contract.drafts import open_draft
    from perunit.faces.price_changes import put_in_force, taken
    from perunit.wiring import opened

    with opened(settings.directory, purpose="prices approve") as project:
        found = open_draft(project.project, draft, taken(project))
        said = put_in_force(project, found, {"actor": actor, "reason": reason}, reprice_past)
        _note(project, said)
    _report(settings, said)


@click.command()
@click.argument("book", shell_complete=complete_books)
@click.option("--to", "version", required=True, type=click.IntRange(min=1), help="The version whose prices come back.")
@_ACTOR
@_REASON
@_REPRICE
@pass_settings
def rollback(settings: Settings, book: str, version: int, actor: str, reason: str, reprice_past: bool) -> None:
    """Put the prices of an earlier version in force again, as a new version.

    Nothing is deleted: the version in between stays on record, with its approval.

    \b
    perunit prices rollback cloud --to 2 --actor "Kim Lee" --reason "3 had the wrong region" --reprice-past
    """  # noqa: D301 - click reads the character
    from perunit.faces.price_changes import roll_back
    from perunit.wiring import opened

    with opened(settings.directory, purpose="prices rollback") as project:
        said = roll_back(project, book, str(version), actor, reason, reprice_past)
        _note(project, said)
    _report(settings, said)


def _note(project: Opened, said: dict[str, Any]) -> None:
    """Beside the figures, in the control database, which others may have open meanwhile."""
    from contextlib import closing

    from perunit.faces.price_changes import note_version
    from perunit.wiring import control_of

    with closing(control_of(project.project)) as control:
        note_version(project, control, said, said["actor"])


def _report(settings: Settings, said: dict[str, Any]) -> None:
    from perunit.faces.price_changes import amounts_text

    if settings.json:
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    click.echo(f"{said['book']}@{said['version']} is in force: {said['file']}, approved by {said['actor']}")
    if said["past"]:
        click.echo(f"    usage since {said['past']['from']} was priced anew: {amounts_text(said['past'])}")


def _show_changes(found: tuple[Change, ...]) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table
    from perunit.faces.cli.render import change as shown_change

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("what", "kind", "meter", "where", "from", "to", "before", "after", "change"):
        table.add_column(name, justify="right" if name in {"before", "after", "change"} else "left")
    for each in found:
        rate, difference = each.rate, "" if each.ratio is None else shown_change("money", each.ratio, each.ratio)
        where = {"type": rate.event_type, **rate.conditions} if rate.event_type else rate.conditions
        table.add_row(
            each.what, rate.kind, rate.meter, ", ".join(f"{key} {value}" for key, value in where.items()),
            f"{each.start:%Y-%m-%d %H:%M}", f"{each.end:%Y-%m-%d %H:%M}" if each.end else "",
            _price(each.before), _price(each.after), difference,
        )  # fmt: skip
    print_table(table)


def _price(rate: Rate | None) -> str:
    from perunit.model.money import plain
    from perunit.model.tiers import Tiered

    if rate is None:
        return ""
    return str(Tiered.of(rate.tiers)) if rate.tiers else f"{plain(rate.price)} per {plain(rate.per)} {rate.unit}"


def _show_preview(draft: Draft, answer: Preview, by: tuple[str, ...]) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table
    from perunit.measures.preview import MEASURES

    click.echo(f"{draft.book.name}@{draft.book.version} as a draft, over stored usage; {answer.currency}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*by, *(f"{measure} {side}" for measure in MEASURES for side in ("before", "after", "change"))):
        table.add_column(name, justify="left" if name in by else "right")
    for row in answer.rows:
        table.add_row(*(row.values[name] or "–" for name in by), *_figures(row))
    if answer.rows:
        table.add_section()
    table.add_row(*(["total", *[""] * (len(by) - 1)] if by else []), *_figures(answer.total))
    print_table(table)
    before, after = answer.unpriced
    if before or after:
        click.echo(f"usage facts without a price: {before:,} before, {after:,} after")


def _figures(row: PreviewRow) -> list[str]:
    from perunit.faces.cli.render import change, value
    from perunit.measures.preview import MEASURES

    figures = []
    for measure in MEASURES:
        figures += [value(row.before[measure], "money"), value(row.after[measure], "money")]
        figures.append(change("money", row.change(measure), None))
    return figures
