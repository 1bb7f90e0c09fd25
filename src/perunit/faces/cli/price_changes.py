"""``perunit prices diff | preview | approve | rollback``: a price book's way from draft into force, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.completion import complete_dimensions, complete_units
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from datetime import datetime

    from click.shell_completion import CompletionItem

    from perunit.contract.drafts import Draft
    from perunit.contract.prices import PriceBook, Rate
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
    from perunit.wiring import opened

    with opened(settings.directory, purpose="prices diff") as project:
        (before, earlier), (after, later) = _sides(project, old, new)
    found = changes(earlier, later)
    if settings.json:
        said = {"from": before, "to": after, "changes": [_change_json(change) for change in found]}
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    click.echo(f"{before or 'nothing'} → {after}: {len(found)} change{'' if len(found) == 1 else 's'}")
    if found:
        _show_changes(found)


_Side = tuple[str | None, "tuple[Rate, ...]"]


def _sides(project: Opened, old: str, new: str | None) -> tuple[_Side, _Side]:
    """The two lists of rates that are compared, each with its name."""
    if new is not None:
        return _side(project, old), _side(project, new)
    name, rates = _side(project, old)
    assert name is not None  # noqa: S101 - what a person named has a name
    book, version = name.rsplit("@", 1)
    versions = [number for number in _loaded(project, book) if number < int(version)]
    return (_stored(project, book, versions[-1]) if versions else (None, ())), (name, rates)


def _side(project: Opened, name: str) -> _Side:
    from perunit.contract.drafts import open_draft

    book, _, version = name.partition("@")
    if versions := _loaded(project, book):
        return _stored(project, book, _number(project, book, version) if version else versions[-1])
    draft = open_draft(project.project, name, _taken(project))
    return f"{draft.book.name}@{draft.book.version}", draft.book.rates


def _stored(project: Opened, book: str, version: int) -> _Side:
    from perunit.economics.price.differences import stored_rates

    return f"{book}@{version}", stored_rates(project.engine, book, version)


def _number(project: Opened, book: str, version: str) -> int:
    from perunit.model.errors import UsageError

    versions = _loaded(project, book)
    if not version.isdecimal() or int(version) not in versions:
        known = ", ".join(str(number) for number in versions) or "none"
        raise UsageError(f"{book}@{version}: must be a version that was loaded (there is {known}); correct the number")
    return int(version)


def _loaded(project: Opened, book: str) -> list[int]:
    rows = project.engine.rows("SELECT version FROM price_books WHERE book = $book ORDER BY version", {"book": book})
    return [version for (version,) in rows]


def _taken(project: Opened) -> dict[str, int]:
    return dict(project.engine.rows("SELECT book, max(version) FROM price_books GROUP BY book"))


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
    from perunit.measures.preview import preview as replay
    from perunit.wiring import opened

    window, instant = parse_window(start, end), parse_option_instant("--rates-of", rates_of)
    dimensions = tuple(name for word in by for name in word.split(","))
    with opened(settings.directory, purpose="prices preview") as project:
        found = open_draft(project.project, draft, _taken(project))
        books = _with(project, found)
        asked: dict[str, Any] = {"window": window, "unit": unit, "by": dimensions, "rates_of": instant}
        answer = replay(project.engine, project.contract, books, project.clock(), **asked)
    if settings.json:
        click.echo(json.dumps(_preview_json(found, answer), ensure_ascii=False, indent=2))
    else:
        _show_preview(found, answer, dimensions)


def _with(project: Opened, draft: Draft) -> tuple[PriceBook, ...]:
    """The books that may be in force, with the draft in place of its file."""
    others = (book for book in project.project.eligible_books if book.file != draft.book.file)
    return (*others, draft.book)


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
    from perunit.wiring import opened

    with opened(settings.directory, purpose="prices approve") as project:
        found = open_draft(project.project, draft, _taken(project))
        said = _put_in_force(project, found, {"actor": actor, "reason": reason}, reprice_past)
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
    from perunit.contract.drafts import repeated
    from perunit.wiring import opened

    with opened(settings.directory, purpose="prices rollback") as project:
        number = _number(project, book, str(version))
        content = project.engine.value(
            "SELECT content FROM price_books WHERE book = $book AND version = $version",
            {"book": book, "version": number},
        )
        draft = repeated(project.project, content, book, _taken(project))
        approval = {"actor": actor, "reason": reason, "rolled_back_to": number}
        said = _put_in_force(project, draft, approval, reprice_past)
    _report(settings, said)


def _put_in_force(project: Opened, draft: Draft, said: dict[str, Any], reprice_past: bool) -> dict[str, Any]:
    """Files first, then the store: a run that dies in between is completed by the next one."""
    from perunit import pipeline
    from perunit.contract.drafts import publish
    from perunit.contract.prices import Approval
    from perunit.contract.read import read_project

    now = project.clock()
    past = _past(project, draft, now)
    if past is not None and not reprice_past:
        _refuse(draft, past)
    approval = Approval(approved_at=now, reprices_past=past is not None, **said)
    path = publish(project.project.root, draft, approval)
    pipeline.start(read_project(project.project.root), project.engine, project.clock)
    name, version = draft.book.name, draft.book.version
    file = path.relative_to(project.project.root).as_posix()
    return {"book": name, "version": version, "file": file, **approval.model_dump(mode="json"), "past": past}


def _past(project: Opened, draft: Draft, now: datetime) -> dict[str, Any] | None:
    """From when on and by how much the draft changes what usage so far was priced at; None where it does not."""
    from perunit.economics.price.replay import changes_past, past_amounts, replayed
    from perunit.model.money import exact, plain
    from perunit.model.window import Window

    with replayed(project.engine, project.contract, _with(project, draft), now, Window(None, None)):
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


def _refuse(draft: Draft, past: dict[str, Any]) -> None:
    from perunit.model.errors import UsageError

    raise UsageError(
        f"{draft.book.file}: changes the price of usage since {past['from']} ({_amounts(past)}); begin its prices "
        "later, or give --reprice-past if the past is to be priced anew"
    )


def _amounts(past: dict[str, Any]) -> str:
    from decimal import Decimal

    from perunit.faces.cli.render import change

    said = [
        f"{each['kind']} {change('money', Decimal(each['change']), None)} {each['currency']}"
        for each in past["amounts"]
    ]
    return ", ".join(said) or "no amount in all"


def _report(settings: Settings, said: dict[str, Any]) -> None:
    if settings.json:
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    click.echo(f"{said['book']}@{said['version']} is in force: {said['file']}, approved by {said['actor']}")
    if said["past"]:
        click.echo(f"    usage since {said['past']['from']} was priced anew: {_amounts(said['past'])}")


def _change_json(change: Change) -> dict[str, Any]:
    from perunit.model.money import plain

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
    from perunit.model.money import plain

    if rate is None:
        return None
    prices = {"price": rate.price, "per": rate.per, "unit_price": rate.unit_price}
    tiers = {"tiers": json.loads(rate.tiers)} if rate.tiers else {}
    return {"rate_id": rate.rate_id} | {name: plain(value) for name, value in prices.items()} | tiers


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


def _preview_json(draft: Draft, answer: Preview) -> dict[str, Any]:
    return {
        "draft": f"{draft.book.name}@{draft.book.version}",
        "unit": answer.unit,
        "currency": answer.currency,
        "total": answer.total.as_json(),
        "rows": [row.as_json() for row in answer.rows],
        "unpriced_usage": {"before": answer.unpriced[0], "after": answer.unpriced[1]},
    }


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
