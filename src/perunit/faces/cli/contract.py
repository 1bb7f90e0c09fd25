"""``perunit contract``: whether a service emits what the contract says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from perunit.conformance.report import Finding, Report
    from perunit.conformance.trial import Trial

__all__ = ["contract"]

_EXIT = {"passed": 0, "failed": 1, "empty": 3}
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """``30s``, ``2m``: seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds as a number."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", str(value))
        if found is None or not float(found[1]):
            self.fail(f"{value!r} is no duration; write 30s, 2m or 1h", param, ctx)
        return float(found[1]) * _SECONDS[found[2]]


@click.group()
def contract() -> None:
    """Whether a service emits what the contract says."""


@contract.command(context_settings={"ignore_unknown_options": True})
@click.argument("what", nargs=-1, type=click.UNPROCESSED, metavar="[PATH… | -- COMMAND…]")
@click.option("--expect", multiple=True, metavar="NAME", help="An event type or source that must be seen; repeatable.")
@click.option("--listen", "port", type=click.IntRange(0, 65535), help="Listen here for events; 0 takes a free port.")
@click.option("--for", "seconds", type=Duration(), help="How long to listen, or the command may run: 30s, 5m.")
@click.option("--strict", is_flag=True, help="Let warnings fail the check too.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report here.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Append a summary in Markdown here.")
@pass_settings
def test(
    settings: Settings,
    what: tuple[str, ...],
    expect: tuple[str, ...],
    port: int | None,
    seconds: float | None,
    strict: bool,
    junit: Path | None,
    markdown: Path | None,
) -> None:
    """Check captured events, or those a service's tests emit, against the contract.

    Reads files of CloudEvents and of the OpenTelemetry collector's file exporter; or listens, runs a command with
    PERUNIT_URL and OTEL_EXPORTER_OTLP_ENDPOINT set, and judges what came. Every expected event type must be seen (all
    of the contract's by default), no rule be broken, no unit key be missing, no id come twice with other content.
    The project's own data is not touched. Exit 0 fine, 1 failed, 3 nothing was seen.

    \b
    perunit contract test captured.ndjson --expect order.completed
    perunit contract test --listen 0 --for 5m --junit perunit.xml -- pytest tests/integration
    """  # noqa: D301 - click reads the character
    from perunit.conformance.judge import expected_of, judge
    from perunit.conformance.trial import trial

    paths, command = ([], what) if port is not None else (_paths(what), ())
    with trial(settings.directory) as on:
        expected = expected_of(on.project.contract, expect)
        beside = _listen(on, port, seconds, command) if port is not None else _read(on, paths)
        on.finish()
        report = judge(on, expected, strict=strict, beside=beside)
    _write(report, junit, markdown)
    if settings.json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        from perunit.faces.cli.contract_report import show

        show(report)
    if code := _EXIT[report.status]:
        raise click.exceptions.Exit(code)


def _paths(what: tuple[str, ...]) -> list[Path]:
    """Files, those of folders included; raises UsageError for what is neither."""
    from perunit.model.errors import UsageError

    if not what:
        raise UsageError(
            "what was captured? name files: perunit contract test captured.ndjson; or --listen 0 -- COMMAND"
        )
    found: list[Path] = []
    for path in map(Path, what):
        if not path.exists():
            raise UsageError(
                f"{path}: is neither a file nor a folder; correct the name, or listen to a command: --listen 0"
            )
        inside = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
        found += inside if path.is_dir() else [path]
    return found


def _read(on: Trial, paths: list[Path]) -> list[Finding]:
    from perunit.conformance.captured import arrivals_of

    on.take_in(arrival for path in paths for arrival in arrivals_of(path, on.project.contract))
    return []


def _listen(on: Trial, port: int, seconds: float | None, command: tuple[str, ...]) -> list[Finding]:
    from perunit.faces.cli.contract_listen import listen

    return listen(on, port, seconds, command)


def _write(report: Report, junit: Path | None, markdown: Path | None) -> None:
    from perunit.faces.cli import contract_report

    if junit is not None:
        _into(junit, contract_report.junit(report), "w")
    if markdown is not None:
        _into(markdown, contract_report.markdown(report), "a")


def _into(path: Path, text: str, mode: str) -> None:
    from perunit.model.errors import UsageError

    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name a file that can be") from error
