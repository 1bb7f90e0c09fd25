"""``perunit demo``: the main job from end to end on a simulated company."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.context import Settings, pass_settings
from perunit.faces.cli.demo_live import SEQUEL_DAYS, LiveCompany
from perunit.faces.cli.demo_serve import make_accounts, serve_demo
from perunit.faces.cli.ingest import progress_bar, sentence, sum_reports
from perunit.faces.cli.simulate import simulation_bar

if TYPE_CHECKING:
    from perunit.measures.closing import Reconciliation
    from perunit.measures.query import Result
    from perunit.simulate.options import SimulationOptions
    from perunit.wiring import Opened

__all__ = ["demo"]

_DAYS = 30
_PNL = ("units", "revenue", "variable_cost", "contribution_margin", "shared_cost", "fully_loaded_margin")
_LOSING = ("units", "revenue", "variable_cost", "contribution_margin", "contribution_margin_per_unit")


@click.command()
@click.option(
    "--dir", "where", type=click.Path(path_type=Path), default="perunit-demo", show_default=True,
    help="Where the company is made; made anew only where it is not there yet.",
)  # fmt: skip
@click.option("--events", default=400_000, show_default=True, help="About how many events.")
@click.option("--seed", default=7, show_default=True, help="Which company.")
@click.option("--until", metavar="DATE", help="The day after its last simulated one; today (UTC) by default.")
@click.option("--port", default=8321, show_default=True, type=click.IntRange(0, 65535), help="A free one if in use.")
@click.option("--no-serve", is_flag=True, help="Only show what it earns, and leave the project behind.")
@pass_settings
def demo(settings: Settings, where: Path, events: int, seed: int, until: str | None, port: int, no_serve: bool) -> None:
    """Simulate 30 days of a company, take in its events and bills, and open the dashboards on it.

    The company goes on living while it is watched, and a guided tour shows what is strange about it. What is left
    behind is an ordinary project to try everything else on.

    \b
    perunit demo
    perunit demo --no-serve --dir demo && perunit -C demo query revenue --by region
    """  # noqa: D301 - click reads the character
    started = time.perf_counter()
    directory = settings.directory / where
    options = _simulate(settings, directory, events, seed, until)
    # Only a company whose simulated days end today can be seen living.
    live = LiveCompany(directory, options) if not no_serve and _lives(options) else None
    shown, tied, losing_order = _taken_in(settings, directory, live)
    make_accounts(directory)
    took = time.perf_counter() - started
    if settings.json and no_serve:
        _print_json(shown, tied, losing_order, took)
    elif not settings.json:
        _show(shown, directory, losing_order)
        _show_close(tied)
        _show_next(directory, options, took)
    if not no_serve:
        serve_demo(settings, directory, port, live)


def _lives(options: SimulationOptions) -> bool:
    return options.end <= datetime.now(UTC) < options.end + timedelta(days=SEQUEL_DAYS)


def _taken_in(
    settings: Settings, directory: Path, live: LiveCompany | None
) -> tuple[dict[str, Result], Reconciliation, str]:
    """Everything the company has so far; what it comes to."""
    from perunit import pipeline
    from perunit.measures.closing import reconciliation
    from perunit.wiring import opened

    with opened(directory, purpose="demo") as project:
        files = [("cloudevents", path) for path in sorted((directory / "events").iterdir())]
        now = project.clock()
        since = directory / "events-since" / f"{now:%Y-%m-%dT%H%M%S}.ndjson"
        if live is not None and live.catch_up(since, now):
            files.append(("cloudevents", since))
        _say(settings, f"Taking in {len(files)} files of events, then its bills and their restatements")
        with progress_bar(settings) as progress:
            reports = pipeline.ingest(project.project, project.engine, files, clock=project.clock, progress=progress)
        _say(settings, f"    {sentence(sum_reports(reports))}")
        paths = sorted((directory / "bills").glob("*.csv"))
        bills, _ = pipeline.import_bills(project.project, project.engine, paths, clock=project.clock)
        for bill in bills:
            _say(settings, f"    {_bill_sentence(bill)}")
        invoices = sorted((directory / "invoices").glob("*.csv"))
        pipeline.import_bills(project.project, project.engine, invoices, clock=project.clock)
        return _results(project), reconciliation(project.engine, project.contract), _losing_order(project)


def _print_json(shown: dict[str, Result], tied: Reconciliation, losing_order: str, took: float) -> None:
    answer = {name: result.as_json() for name, result in shown.items()} | {"reconciliation": tied.as_json()}
    click.echo(json.dumps({"seconds": round(took, 1), "order": losing_order, **answer}, indent=2))


def _say(settings: Settings, text: str) -> None:
    if not settings.json:
        click.echo(text)


def _simulate(settings: Settings, directory: Path, events: int, seed: int, until: str | None) -> SimulationOptions:
    """Makes the company where it is not there yet; the options it was made with."""
    from perunit.simulate.options import SimulationOptions
    from perunit.simulate.run import simulate
    from perunit.simulate.showcase import dress, options_of

    if (directory / "truth.json").is_file():
        _say(settings, f"The company in {directory} is there already")
        return options_of(directory)
    start = _last_day(until) - timedelta(days=_DAYS)
    _say(settings, f"Simulating {_DAYS} days of a video studio, about {events:,} events, in {directory}")
    options = SimulationOptions(events=events, seed=seed, start=start, days=_DAYS)
    # What would arrive only in days to come would be refused as of the future.
    options = replace(options, tail=not _lives(options))
    with simulation_bar(settings) as progress:
        simulate(directory, options, progress)
    dress(directory, options)
    return options


def _last_day(until: str | None) -> date:
    from perunit.model.errors import UsageError

    if until is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(until)
    except ValueError as error:
        raise UsageError(f"--until: got {until!r}, must be a date such as 2026-10-01; correct it") from error


def _bill_sentence(bill: Any) -> str:
    from perunit.faces.cli.render import money

    period = f"{bill.billing_period_start:%Y-%m}"
    difference = bill.billed_difference
    change = f", {'+' if difference > 0 else ''}{money(difference)} on version {bill.version - 1}" if difference else ""
    total = f"{money(bill.billed_cost)} {bill.billing_currency}"
    return f"{bill.bill_source} {period} version {bill.version}: {total} in {bill.lines:,} lines, {bill.status}{change}"


def _results(project: Opened) -> dict[str, Result]:
    """The P&L by plan, and where money is lost."""
    from perunit.measures.query import Query, run_query

    by_plan = Query(measures=_PNL, by=("plan",), order=("-contribution_margin",))
    losing = Query(measures=_LOSING, by=("plan", "region"), order=("contribution_margin",), limit=5)
    return {
        "by_plan": run_query(project.engine, project.contract, by_plan),
        "losing": run_query(project.engine, project.contract, losing),
    }


def _losing_order(project: Opened) -> str:
    """The order that lost the most before bills: its recorded and priced amounts, summed per unit."""
    return str(
        project.engine.value(
            "SELECT unit_key FROM unit_days WHERE unit_type = 'order' GROUP BY unit_key HAVING sum(attempts) > 0 "
            "ORDER BY coalesce(sum(revenue), 0) - coalesce(sum(discount), 0) - coalesce(sum(refund), 0) "
            "- coalesce(sum(cost), 0) - coalesce(sum(priced_cost), 0) - coalesce(sum(priced_fee), 0), unit_key LIMIT 1"
        )
    )


def _show(shown: dict[str, Result], directory: Path, order: str) -> None:
    from perunit.faces.cli.query import show_result
    from perunit.faces.cli.receipt import receipt_text
    from perunit.measures.receipt import receipt
    from perunit.wiring import opened

    click.secho("\nWhat each plan earns", bold=True)
    show_result(shown["by_plan"])
    click.secho("\nWhere it loses most", bold=True)
    show_result(shown["losing"])
    click.secho("\nThe order that lost the most\n", bold=True)
    with opened(directory, purpose="demo") as project:
        click.echo(receipt_text(receipt(project.engine, project.contract, "order", order)))


def _show_close(tied: Reconciliation) -> None:
    """The month as finance sees it, in short."""
    from perunit.faces.cli.reconcile_text import show_short

    click.secho("\nWhether the bill ties out with the invoice, and how the cost became what was invoiced", bold=True)
    show_short(tied)


def _show_next(directory: Path, options: SimulationOptions, took: float) -> None:
    week = f"--from {options.end - timedelta(days=7):%Y-%m-%d} --to {options.end:%Y-%m-%d}"
    click.secho(f"\nDone in {took:.0f} s. Where to look next", bold=True)
    for words, why in (
        ("query cost_per_unit --grain day --by release", "a release that costs more per order"),
        ("query contribution_margin --by region --order contribution_margin", "a region that loses money"),
        ("query success_rate latency_ms_p95 --grain day", "whether orders work"),
        (f"query units revenue --compare week {week}", "against the week before"),
        ("quarantine list", "what was refused or contradicts"),
        ("bills list", "both versions of the bill"),
        ("reconcile --variance", "the month for finance, whole"),
        ("verify", "every invariant on this data"),
    ):
        click.echo(f"  perunit -C {directory} {words:<66} {why}")
