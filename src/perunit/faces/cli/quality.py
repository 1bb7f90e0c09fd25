"""``perunit quality``: how fresh, whole and steady the data is that comes in, by source, producer, day or rule."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli import render
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perunit.measures.drift import Drift
    from perunit.measures.quality import Delivered, Limit
    from perunit.model.window import Window

__all__ = ["quality"]

_COUNTS = ("received", "accepted", "duplicate", "conflict", "rejected", "ignored", "orphan", "late")
_RULES_SHOWN = 20
_DAYS = 7
_INCONCLUSIVE = 3
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.command()
@click.option(
    "--by", type=click.Choice(["source", "producer", "day", "rule"]), default="source", show_default=True,
    help="What a line is of: a source, who sent it, a day of it, or a broken rule.",
)  # fmt: skip
@click.option("--from", "start", metavar="T", help="What came from this instant on; the last 7 days by default.")
@click.option("--to", "end", metavar="T", help="What came up to this instant, itself excluded.")
@click.option("--source", metavar="NAME", help="Only this source; cloudevents for CloudEvents.")
@click.option("--drift", "drifts", is_flag=True, help="Fields that are new, gone, changed or unknown to the contract.")
@click.option("--max-freshness", metavar="TIME", help="Fail if a source's newest event is older, e.g. 15m, 2h, 1d.")
@click.option("--max-reject-rate", metavar="SHARE", help="Fail if more of what came was refused, e.g. 0.01 or 1%.")
@click.option("--max-duplicate-rate", metavar="SHARE", help="Fail if more of what came had come before.")
@click.option("--max-orphan-rate", metavar="SHARE", help="Fail if more of the accepted lack a key they should carry.")
@click.option("--max-late-rate", metavar="SHARE", help="Fail if more of the accepted came late.")
@pass_settings
def quality(
    settings: Settings, /, by: str, start: str | None, end: str | None, source: str | None, drifts: bool, **limits: Any
) -> None:
    """Show how data comes in: freshness, counts and rates by source or producer, broken rules, drift of fields.

    With a --max option it is a check: 1 if a source is beyond it, 3 if nothing ever came.

    \b
    perunit quality
    perunit quality --by producer --from 2026-09-01
    perunit quality --by rule
    perunit quality --drift --from 2026-09-01
    perunit quality --max-freshness 15m --max-reject-rate 1%
    """  # noqa: D301 - click reads the character
    from perunit.faces.cli.query import parse_window
    from perunit.measures.quality import breaches, broken_rules, delivered
    from perunit.model.window import Window
    from perunit.wiring import opened

    asked, window = _limits(limits), parse_window(start, end)
    with opened(settings.directory, purpose="quality") as project:
        now = project.clock()
        if start is None:
            since = min(now, window.end or now) - timedelta(days=_DAYS)
            window = Window(since.replace(minute=0, second=0, microsecond=0), window.end)
        if drifts:
            _show_drift(settings, _of(_drift_of(project, window), source))
            return
        sources = _of(delivered(project.engine, project.contract, window, "source", now), source)
        if by == "rule":
            _show_rules(settings, window, _rules_of(broken_rules(project.engine, window, _RULES_SHOWN), source))
        else:
            rows = sources if by == "source" else delivered(project.engine, project.contract, window, by, now)  # type: ignore[arg-type]
            _show(settings, window, by, _of(rows, source), breaches(sources, asked))
    _conclude(sources, asked)


def _drift_of(project: Any, window: Window) -> list[Drift]:
    from perunit.measures.drift import drift

    assert window.start is not None  # noqa: S101 - a default was put in
    return drift(project.engine, project.project, window.start)


def _of(rows: Iterable[Any], source: str | None) -> list[Any]:
    return [row for row in rows if source in {None, row.source}]


def _rules_of(rows: list[dict[str, Any]], source: str | None) -> list[dict[str, Any]]:
    return [row for row in rows if source in {None, row["source"]}]


def _limits(given: dict[str, str | None]) -> list[Limit]:
    from perunit.measures.quality import Limit

    figures = {
        "max_reject_rate": "rejected_rate",
        "max_duplicate_rate": "duplicate_rate",
        "max_orphan_rate": "orphan_rate",
        "max_late_rate": "late_rate",
    }
    found = [
        Limit(figure, _share(f"--{name.replace('_', '-')}", text))
        for name, figure in figures.items()
        if (text := given[name]) is not None
    ]
    if (text := given["max_freshness"]) is not None:
        found.insert(0, Limit("freshness_seconds", Decimal(_seconds(text))))
    return found


def _share(option: str, text: str) -> Decimal:
    from perunit.model.errors import UsageError

    try:
        value = Decimal(text.removesuffix("%").strip())
        value = value.scaleb(-2) if text.endswith("%") else value
    except InvalidOperation:
        value = Decimal(-1)
    if not (value.is_finite() and 0 <= value <= 1):
        raise UsageError(f"{option}: got {text!r}, must be a share such as 0.01 or 1%")
    return value


def _seconds(text: str) -> int:
    from perunit.model.errors import UsageError

    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if not found:
        raise UsageError(f"--max-freshness: got {text!r}, must be a time such as 90s, 15m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def _conclude(sources: list[Delivered], limits: list[Limit]) -> None:
    from perunit.measures.quality import breaches

    if limits and not sources:
        click.get_current_context().exit(_INCONCLUSIVE)
    if breaches(sources, limits):
        click.get_current_context().exit(1)


_Breaches = list[tuple["Delivered", "Limit", Decimal]]


def _show(settings: Settings, window: Window, by: str, rows: list[Delivered], broken: _Breaches) -> None:
    from perunit.model.plain import plain_value

    if settings.json:
        found = [asdict(row) | row.rates for row in rows]
        fails = [
            {"source": row.source, "figure": limit.figure, "got": figure, "at_most": limit.at_most}
            for row, limit, figure in broken
        ]
        answer = {"by": by, "window": window, "rows": found, "breaches": fails}
        click.echo(json.dumps(plain_value(answer), indent=2, ensure_ascii=False))
        return
    if not rows:
        click.echo("nothing has come in yet")
        return
    _show_counts(by, rows)
    click.secho(f"came {_span(window)}", dim=True)
    for row, limit, figure in broken:
        name = limit.figure.removesuffix("_seconds").replace("rejected", "reject").replace("_", " ")
        got, most = _figure(limit.figure, figure), _figure(limit.figure, limit.at_most)
        click.secho(f"{row.source}: {name} {got}, must be at most {most}", fg="red")


def _figure(name: str, value: Decimal) -> str:
    return _age(int(value)) if name == "freshness_seconds" else render.percent(value)


def _show_counts(by: str, rows: list[Delivered]) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table

    named = {"source": ["source"], "producer": ["source", "producer"], "day": ["day", "source"]}[by]
    ages = ["fresh", "newest event"] if by != "day" else []
    beside = ["restated", "unpriced", "waiting"] if by == "source" else []
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in (*named, *ages, *_COUNTS, *beside):
        table.add_column(head, justify="left" if head in {*named, "newest event"} else "right", no_wrap=True)
    for row in rows:
        names = [getattr(row, name) or render.UNKNOWN for name in named]
        when = [_age(row.freshness_seconds), render.instant(row.watermark)] if ages else []
        counts = [_counted(row, name) for name in _COUNTS]
        table.add_row(*names, *when, *counts, *(render.value(getattr(row, name), "count") for name in beside))
    print_table(table)


def _counted(row: Delivered, name: str) -> str:
    """A count, and its share where it is one of what is not fine."""
    text, rate = render.count(Decimal(getattr(row, name))), row.rates.get(f"{name}_rate")
    return f"{text} ({render.percent(rate)})" if rate else text


def _age(seconds: int | None) -> str:
    """``3 min``: the largest unit of which there are at least two."""
    if seconds is None:
        return render.UNKNOWN
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if abs(seconds) >= 2 * size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} s"


def _span(window: Window) -> str:
    end = f" up to {render.instant(window.end)}" if window.end else ""
    return f"from {render.instant(window.start)}{end}"


def _show_rules(settings: Settings, window: Window, rows: list[dict[str, Any]]) -> None:
    from perunit.model.plain import plain_value

    if settings.json:
        answer = {"by": "rule", "window": window, "rows": rows, "breaches": []}
        click.echo(json.dumps(plain_value(answer), indent=2, ensure_ascii=False))
        return
    _table(("rows", "source", "kind", "rule", "place", "expected"), rows, "no rule was broken")
    click.secho(f"came {_span(window)}", dim=True)


def _show_drift(settings: Settings, found: list[Drift]) -> None:
    from perunit.model.plain import plain_value

    if settings.json:
        click.echo(json.dumps({"drift": plain_value(found)}, indent=2, ensure_ascii=False))
        return
    rows = [
        {
            "change": each.change,
            "source": each.source,
            "producer": each.producer or render.UNKNOWN,
            "type": each.event_type or render.UNKNOWN,
            "field": each.field,
            "was": ", ".join(each.before) or render.UNKNOWN,
            "is": ", ".join(each.after) or render.UNKNOWN,
            "in samples": f"{each.seen:,} of {each.rows:,}" if each.rows else render.UNKNOWN,
            "last seen": _moment(each.last_seen),
        }
        for each in found
    ]
    heads = ("change", "source", "producer", "type", "field", "was", "is", "in samples", "last seen")
    _table(heads, rows, "no field departs from what was sent before, or from the contract")


def _moment(moment: datetime | None) -> str:
    return render.instant(moment) if moment else render.UNKNOWN


def _table(heads: tuple[str, ...], rows: list[dict[str, Any]], nothing: str) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table

    if not rows:
        click.echo(nothing)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, justify="right" if head == "rows" else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{row[head]:,}" if isinstance(row[head], int) else str(row[head]) for head in heads))
    print_table(table)
