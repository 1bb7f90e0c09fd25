"""``perunit query``: measures by segment and time, as a table, JSON, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli import render, screen
from perunit.faces.cli.completion import complete_dimensions, complete_measures, complete_units
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.measures.query import Query, Result
    from perunit.model.window import Window

__all__ = ["parse_option_instant", "parse_window", "print_table", "query", "show_result"]

_FORMATS = ("table", "json", "csv", "parquet")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="MEASURE…", shell_complete=complete_measures)
@click.option("--unit", shell_complete=complete_units, help="Per which unit type; the contract's first by default.")
@click.option("--by", multiple=True, metavar="DIM", shell_complete=complete_dimensions, help="Cut by; may be repeated.")
@click.option("--grain", type=click.Choice(["minute", "hour", "day", "month", "total"]), default="total")
@click.option("--from", "start", metavar="T", help="From this instant on, e.g. 2026-09-01 (UTC).")
@click.option("--to", "end", metavar="T", help="Up to this instant, itself excluded.")
@click.option(
    "--where", metavar="EXPR", help="Only facts for which this holds: plan = 'pro' and region in ('eu', 'us')"
)
@click.option(
    "--compare", type=click.Choice(["off", "previous", "week", "year", "custom"]), default="off", help="Beside what."
)
@click.option("--compare-from", metavar="T", help="With --compare custom: from this instant on.")
@click.option("--compare-to", metavar="T", help="With --compare custom: up to this instant, itself excluded.")
@click.option("--currency", metavar="CODE", help="Amounts in this currency; the contract's by default.")
@click.option(
    "--convert/--no-convert", "converts", default=True, help="Whether other currencies are converted into it."
)
@click.option("--order", multiple=True, metavar="COLUMN", help="Order by a column; -COLUMN for falling.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many rows.")
@click.option("--as-of", metavar="T", help="As known at this instant.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="table by default; json with --json.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--explain", is_flag=True, help="Say how each measure is computed.")
@pass_settings
def query(settings: Settings, /, form: str | None, output: Path | None, explain: bool, **asked: Any) -> None:
    """Ask for measures by segment and time.

    \b
    perunit query revenue cost_per_unit --by plan --grain day --from 2026-09-01 --to 2026-10-01
    perunit query contribution_margin --by plan,region --order contribution_margin --limit 5
    perunit query success_rate latency_ms_p95 --grain hour --where "region = 'eu'" --compare week
    """  # noqa: D301 - click reads the character
    form = form or ("json" if settings.json else "table")
    if form == "parquet" and output is None:
        raise click.UsageError("--format parquet: needs --output FILE")
    from perunit.measures.query import run_query
    from perunit.wiring import opened

    as_of = parse_option_instant("--as-of", asked.pop("as_of"))
    question = _question(**asked)
    with opened(settings.directory, purpose="query", as_of=as_of) as project:
        result = run_query(project.engine, project.contract, question, project.permit)
    if form == "table" and output is None:
        show_result(result, explain=explain, as_of=as_of)
    elif form == "parquet":
        assert output is not None  # noqa: S101 - refused above
        _write_parquet(result, output)
    else:
        _write_text(_text(result, form), output)


def _question(
    names: tuple[str, ...],
    by: tuple[str, ...],
    grain: str,
    start: str | None,
    end: str | None,
    compare_from: str | None,
    compare_to: str | None,
    **rest: Any,
) -> Query:
    from perunit.measures.periods import Compare
    from perunit.measures.query import Query
    from perunit.model.window import Grain

    rest["compare"] = compare = Compare(rest["compare"])
    if compare is Compare.CUSTOM:
        rest["compare_with"] = parse_window(compare_from, compare_to, "--compare-")
    elif compare_from or compare_to:
        raise click.UsageError("--compare-from and --compare-to: only with --compare custom")
    return Query(measures=_listed(names), by=_listed(by), grain=Grain(grain), window=parse_window(start, end), **rest)


def _listed(words: tuple[str, ...]) -> tuple[str, ...]:
    """Names given one by one or with commas between them."""
    return tuple(name for word in words for name in (part.strip() for part in word.split(",")) if name)


def parse_window(start: str | None, end: str | None, prefix: str = "--") -> Window:
    """The window of ``--from`` and ``--to``; raises UsageError where it cannot be."""
    from perunit.model.errors import UsageError
    from perunit.model.window import Window

    first, last = parse_option_instant(f"{prefix}from", start), parse_option_instant(f"{prefix}to", end)
    if first is not None and last is not None and last <= first:
        raise UsageError(f"{prefix}to: got {end!r}, must lie after {prefix}from {start!r}; correct one of the two")
    return Window(first, last)


def parse_option_instant(option: str, text: str | None) -> datetime | None:
    """The instant an option names, aware and in UTC; raises UsageError where it cannot be read as one."""
    from perunit.model.errors import UsageError
    from perunit.model.window import parse_instant

    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise UsageError(
            f"{option}: got {text!r}, must be an instant such as 2026-09-01 or 2026-09-01T14:00Z"
        ) from error


def _text(result: Result, form: str) -> str:
    if form == "json":
        return json.dumps(result.as_json(), indent=2, ensure_ascii=False) + "\n"
    if form == "csv":
        return _csv(result)
    from rich.console import Console

    page = io.StringIO()
    show_result(result, console=Console(file=page, width=160))
    return page.getvalue()


def _csv(result: Result) -> str:
    """RFC 4180, exact values; an unknown value is an empty field."""
    answer = result.as_json()
    page = io.StringIO()
    fields = [*answer["columns"], "status", "complete"]
    writer = csv.DictWriter(page, fields, lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({**row, "complete": str(row["complete"]).lower()} for row in answer["rows"])
    return page.getvalue()


def _write_text(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        with output.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
        click.echo(f"wrote {output}", err=True)


def _write_parquet(result: Result, output: Path) -> None:
    import pyarrow.parquet as pq

    from perunit.faces.export.tables import arrow_table

    pq.write_table(arrow_table(result), output)
    click.echo(f"wrote {output}", err=True)


def show_result(result: Result, *, explain: bool = False, as_of: datetime | None = None, console: Any = None) -> None:
    """Prints a result for a person: the table, what it rests on, and the notes."""
    console = console or screen.console()
    table = _table(result, bars=True)
    _unfold(console, table)
    if _width(console, table) > console.width:
        table = _table(result, bars=False, narrow=True)
    console.print(table)
    console.print(_context(result, as_of), style="dim", highlight=False, markup=False)
    if any(not row.complete for row in result.rows):
        console.print("… not complete: facts may still come, or the window cuts it", style="dim", highlight=False)
    for note in result.notes:
        console.print(f"! {note}", style="yellow", highlight=False, markup=False)
    if explain:
        for measure in result.measures:
            console.print(f"{measure.name} = {measure.text}", highlight=False, markup=False)


def print_table(table: Any) -> None:
    """Prints a table whole: only a person's screen has an edge to fold at."""
    console = screen.console()
    _unfold(console, table)
    console.print(table)


def _unfold(console: Any, table: Any) -> None:
    if not console.is_terminal:
        console.width = max(console.width, _width(console, table))


def _width(console: Any, table: Any) -> int:
    from rich.measure import Measurement

    widest: int = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    return widest


def _table(result: Result, *, bars: bool, narrow: bool = False) -> Any:
    """`narrow` breaks headings after their underscores; a figure is never cut."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=False)
    shown = [column for column in result.columns if column.kind not in {"change_ratio", "error"}]
    for column in shown:
        right = column.measure is not None
        heading = _heading(column.name, column.kind, column.measure, result)
        table.add_column(
            Text(re.sub(r"(?<=_)(?=[a-z])", "\n", heading) if narrow else heading),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right,
        )
    statuses = {row.status for row in result.rows}
    if len(statuses) > 1:
        table.add_column("costs")
    marks = _bars(result) if bars else []
    if marks:
        table.add_column("")
    for place, row in enumerate(result.rows):
        cells = [_cell(column, row, result) for column in shown]
        cells += [Text(row.status or "")] if len(statuses) > 1 else []
        cells += [marks[place]] if marks else []
        table.add_row(*cells)
    return table


def _heading(name: str, kind: str, measure: Any, result: Result) -> str:
    if measure is None:
        return name
    if kind == "before":
        return str(result.query.compare)
    if kind == "change":
        return "change"
    return f"{name}\n{result.currency if measure.unit == 'money' else ''}".rstrip()


def _cell(column: Any, row: Any, result: Result) -> Any:
    from rich.text import Text

    raw = row.values[column.name]
    if column.kind == "bucket":
        return Text(render.bucket(raw, str(result.query.grain)) + ("" if row.complete else " …"))
    if column.kind == "dimension":
        return Text("(none)" if raw is None else str(raw), style="dim" if raw is None else "")
    measure = column.measure
    if column.kind == "change":
        colour = {"good": "green", "bad": "red", "": ""}[render.verdict(measure.good, raw)]
        return Text(render.change(measure.unit, raw, row.values[f"{column.name}_ratio"]), style=colour)
    negative = raw is not None and raw < 0 and measure.unit == "money"
    text = render.value(raw, measure.unit)
    if column.kind == "measure" and measure.name in row.estimated:
        text = render.estimate(text, row.values.get(f"{measure.name}_error"), measure.unit)
    return Text(text, style="red" if negative else ("dim" if column.kind == "before" else ""))


def _bars(result: Result) -> list[Any]:
    """A bar a row for the first measure, where there are a few rows and nothing to compare with."""
    from decimal import Decimal

    from rich.text import Text

    if str(result.query.compare) != "off" or not 2 < len(result.rows) <= 62:
        return []
    values = [row.values[result.measures[0].name] for row in result.rows]
    greatest = max((abs(Decimal(each)) for each in values if each is not None), default=Decimal(0))
    return [
        Text(render.bar(each, greatest, 20), style="red" if each is not None and each < 0 else "blue")
        for each in values
    ]


def _context(result: Result, as_of: datetime | None) -> str:
    window = result.query.window
    parts = [f"per {result.unit}"]
    if window.start or window.end:
        parts.append(f"{render.instant(window.start)} to {render.instant(window.end)}")
    parts.append(f"facts up to {render.instant(result.latest_event)}" if result.latest_event else "no facts yet")
    statuses = {row.status for row in result.rows if row.status}
    if statuses:
        parts.append(f"costs {statuses.pop() if len(statuses) == 1 else 'mixed'}")
    if result.price_books:
        parts.append(f"prices {', '.join(result.price_books)}")
    if as_of is not None:
        parts.append(f"as of {render.instant(as_of)}")
    return " · ".join(parts)
