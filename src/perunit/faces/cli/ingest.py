"""``perunit ingest``: files become events, once."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli import screen
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perunit.contract.shape import Contract
    from perunit.pipeline import FileReport

__all__ = ["ingest", "progress_bar", "sentence", "show_reports", "sum_reports"]

_COUNTS = ("received", "accepted", "duplicate", "conflict", "rejected", "orphan", "late", "ignored", "already")


@click.command()
@click.argument("what", nargs=-1, metavar="SOURCE|PATH…")
@click.option("--as", "source", metavar="SOURCE", help="What the paths are: cloudevents, or a source of perunit.yaml.")
@pass_settings
def ingest(settings: Settings, what: tuple[str, ...], source: str | None) -> None:
    """Take in files of facts: sources of perunit.yaml by name, or paths of CloudEvents files and folders.

    Every row is accepted, a duplicate, a conflict, or rejected with a reason into quarantine. Files that were
    taken in before change nothing; a run that was cut short goes on where it stopped.

    \b
    perunit ingest                        every source that names its path
    perunit ingest retail                 one source
    perunit ingest events/                CloudEvents, one a line, from every file of a folder
    perunit ingest sales.csv --as retail  one file as a source
    """  # noqa: D301 - click reads the character
    from perunit import pipeline
    from perunit.wiring import opened

    with opened(settings.directory, purpose="ingest") as project:
        files = list(chosen_files(project.contract, settings.directory, what, source))
        with progress_bar(settings) as progress:
            reports = pipeline.ingest(project.project, project.engine, files, clock=project.clock, progress=progress)
        waiting = project.engine.value("SELECT count(*) FROM quarantine WHERE replayed_in IS NULL")
    show_reports(settings, reports, waiting)


def chosen_files(
    contract: Contract, root: Path, what: tuple[str, ...], source: str | None
) -> Iterator[tuple[str, Path]]:
    """(source, path) of everything that was asked for; raises UsageError for what cannot be told or found."""
    from perunit.model.errors import UsageError

    if not what:
        named = [name for name, part in contract.sources.items() if part.path]
        if not named:
            raise UsageError("no source of perunit.yaml has a path; name a file: perunit ingest events.ndjson")
        what = tuple(named)
    for item in what:
        if source is None and item in contract.sources:
            yield from _files_of_source(contract, root, item)
        else:
            yield from _files_of_path(contract, root, Path(item), source)


def _files_of_source(contract: Contract, root: Path, name: str) -> Iterator[tuple[str, Path]]:
    from perunit.model.errors import UsageError

    found = sorted({path for pattern in contract.sources[name].path for path in root.glob(pattern) if path.is_file()})
    if not found:
        patterns = ", ".join(contract.sources[name].path) or "none"
        raise UsageError(f"source {name!r}: no file matches its path ({patterns}); correct it or name a file")
    for path in found:
        yield name, path


def _files_of_path(contract: Contract, root: Path, path: Path, source: str | None) -> Iterator[tuple[str, Path]]:
    from perunit.model.errors import UsageError

    if path.is_dir():
        inside = sorted(child for child in path.iterdir() if child.is_file() and not child.name.startswith("."))
        if not inside:
            raise UsageError(f"{path}: holds no files; name another folder")
        for child in inside:
            yield from _files_of_path(contract, root, child, source)
        return
    if not path.is_file():
        known = ", ".join(contract.sources) or "none"
        raise UsageError(f"{path}: is neither a file nor a source of perunit.yaml ({known}); correct the name")
    yield source or _source_of(contract, root, path), path


def _source_of(contract: Contract, root: Path, path: Path) -> str:
    """The source whose path holds the file; otherwise CloudEvents by the file's ending."""
    from perunit.model.errors import UsageError

    full = path.resolve()
    for name, part in contract.sources.items():
        if any(full == found.resolve() for pattern in part.path for found in root.glob(pattern)):
            return name
    plain = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    if plain.endswith((".ndjson", ".jsonl", ".json", ".cloudevents")):
        return "cloudevents"
    raise UsageError(f"{path}: which source is it? say it with --as ({', '.join(contract.sources) or 'cloudevents'})")


@contextmanager
def progress_bar(settings: Settings) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on standard error while a person watches; nothing otherwise."""
    if settings.json or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with screen.progress(*columns) as bar:
        tasks: dict[str, Any] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield show


def show_reports(settings: Settings, reports: list[FileReport], waiting: int) -> None:
    """What became of the rows, file by file."""
    if settings.json:
        import json

        click.echo(json.dumps({"files": [asdict(report) for report in reports], "quarantined": waiting}))
        return
    for report in reports[:_FILES_SHOWN]:
        click.echo(f"{report.file} ({report.source})\n    {sentence(report)}")
    if len(reports) > 1:
        total = sum_reports(reports)
        more = f" ({len(reports) - _FILES_SHOWN} more not shown)" if len(reports) > _FILES_SHOWN else ""
        click.echo(f"{len(reports)} files{more}\n    {sentence(total)}")
    if waiting:
        click.echo(f"{waiting:,} rows wait in quarantine: perunit quarantine list")


_FILES_SHOWN = 20


def sum_reports(reports: list[FileReport]) -> FileReport:
    """One report over several."""
    from perunit.pipeline import FileReport

    total = FileReport("", "")
    for report in reports:
        for name in _COUNTS:
            setattr(total, name, getattr(total, name) + getattr(report, name))
    return total


def sentence(report: FileReport) -> str:
    """``1,000 received = 990 accepted + 8 duplicate + 1 conflict + 1 rejected; 3 orphan, 10 late``."""
    if not report.received:
        return f"nothing new: {report.already:,} rows were taken in before" if report.already else "holds no rows"
    parts = " + ".join(
        f"{getattr(report, name):,} {name}" for name in ("accepted", "duplicate", "conflict", "rejected")
    )
    beside = [f"{getattr(report, name):,} {name}" for name in ("orphan", "late", "ignored") if getattr(report, name)]
    beside += [f"{report.already:,} rows were taken in before"] if report.already else []
    return f"{report.received:,} received = {parts}{'; ' + ', '.join(beside) if beside else ''}"
