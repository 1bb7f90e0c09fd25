"""The command ``perunit``: global options, the table of verbs, and what happens to errors.

With ``--json`` an error is one JSON object ``{"error": {…}}`` on standard output, so that a program always reads
one document there; a person's message goes to standard error. Exit codes: 0 fine, 1 a check failed, 2 usage or
configuration, 3 inconclusive, 130 interrupted, 141 the reader of the output went away.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perunit import __version__
from perunit.faces.cli.context import Settings
from perunit.model.errors import PerunitError, StoreBusyError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["VERBS", "cli", "main"]

# Verb → where its command is, and its line in the help. Nothing is imported before it is called.
VERBS = {
    "init": ("init:init", "Write a new project from a template."),
    "check": ("check:check", "Check the contract, price books and allocation rules."),
    "contract": ("contract:contract", "Test whether a service emits the contract."),
    "ingest": ("ingest:ingest", "Take in files of facts."),
    "bills": ("bills:bills", "Import and list cloud bills."),
    "prices": ("prices:prices", "Show the price books in force."),
    "fx": ("fx:fx", "Import and show exchange rates."),
    "run": ("run:run", "Compute everything anew from the facts."),
    "query": ("query:query", "Ask for measures by segment and time."),
    "measures": ("measures:measures", "List the measures, or explain one."),
    "receipt": ("receipt:receipt", "Show all that makes up one unit's margin."),
    "reconcile": ("reconcile:reconcile", "Tie bills out with invoices and close a period."),
    "restatements": ("restatements:restatements", "Show what has changed in a closed period, and why."),
    "quarantine": ("quarantine:quarantine", "See and replay refused rows."),
    "quality": ("quality:quality", "Show how fresh, whole and steady the data is that comes in."),
    "verify": ("verify:verify", "Check the invariants on live data."),
    "serve": ("serve:serve", "Take events in while it runs, and answer."),
    "backup": ("backup:backup", "Copy the project, served or not."),
    "annotate": ("annotate:annotate", "Note beside the figures what happened."),
    "users": ("users:users", "Make and change people's accounts."),
    "keys": ("keys:keys", "Make and revoke programs' keys."),
    "audit": ("audit:audit", "See who did what, and whether that record is whole."),
    "privacy": ("privacy:privacy", "Make keys of pseudonyms; reveal, erase and rotate them."),
    "export": ("export:export", "Give measures to Prometheus."),
    "simulate": ("simulate:simulate", "Make a company's events and bills with known truth."),
    "demo": ("demo:demo", "See it all at work on a simulated company."),
    "completion": ("completion:completion", "Print the completion script for a shell."),
}

_INTERRUPTED, _READER_GONE = 130, 141
# Verbs that work with a project of their own, so that a server with another one open cannot do them.
_OWN_PROCESS = frozenset({"serve", "demo"})


class LazyGroup(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The verb's command, imported now."""
        if cmd_name not in VERBS:
            return None
        module, name = VERBS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(f"perunit.faces.cli.{module}"), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table names commands
        from perunit.faces.cli.keyed import decided

        return decided(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with near verbs where the name is unknown."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=2)
            mend = f"did you mean {' or '.join(near)}?" if near else "perunit --help lists the verbs"
            raise click.UsageError(f"No such command {args[0]!r}; {mend}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs with their lines, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="The project's directory; the current one by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.version_option(__version__, "--version", prog_name="perunit")
@click.pass_context
def cli(ctx: click.Context, directory: Path, as_json: bool) -> None:
    """The per-item receipt for a cloud service.

    What one order, user, request or model call earned, what it cost, whether it worked, and why.

    \b
    perunit init shop && cd shop && perunit ingest
    perunit query revenue contribution_margin --by plan --grain day
    perunit receipt order 12345
    """  # noqa: D301 - click reads the character
    ctx.obj = Settings(directory, as_json)


def main(args: Sequence[str] | None = None) -> int:
    """Runs one command line and gives its exit code; only a bug leaves as a traceback."""
    try:
        return _answer(list(sys.argv[1:] if args is None else args))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Python would complain when it flushes standard output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE


def _answer(words: list[str]) -> int:
    try:
        code = cli.main(words, prog_name="perunit", standalone_mode=False)
        sys.stdout.flush()
    except StoreBusyError as error:
        return _done_by_server(words, error)
    except PerunitError as error:
        return _report(words, error, error.exit_code)
    except click.exceptions.Abort:
        return _INTERRUPTED
    except click.ClickException as error:
        return _report(words, error, error.exit_code)
    return code if isinstance(code, int) else 0


def _done_by_server(words: list[str], error: StoreBusyError) -> int:
    """Has the verb done by the server that holds the project, where there is one and it can."""
    if error.socket is None or _verb(words) in _OWN_PROCESS:
        return _report(words, error, error.exit_code)
    from perunit.faces.cli.forward import forward

    try:
        return forward(words, error.socket)
    except StoreBusyError as unanswered:
        return _report(words, unanswered, unanswered.exit_code)


def _report(words: list[str], error: PerunitError | click.ClickException, code: int) -> int:
    if _wants_json(words):
        click.echo(json.dumps({"error": _as_json(error, code)}, ensure_ascii=False))
    if isinstance(error, click.ClickException):
        error.show(sys.stderr)
    else:
        label = click.style("error:", fg="red", bold=True)
        text = str(error)
        click.echo(f"{label}\n{text}" if "\n" in text else f"{label} {text}", err=True)
    return code


def _as_json(error: PerunitError | click.ClickException, code: int) -> dict[str, Any]:
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    answer: dict[str, Any] = {"kind": type(error).__name__, "message": message, "exit_code": code}
    if faults := getattr(error, "faults", None):
        answer["faults"] = [fault.as_json() for fault in faults]
    return answer


def _wants_json(words: list[str]) -> bool:
    """Whether ``--json`` stands before the verb; read by hand, for the command line itself may be at fault."""
    return "--json" in _split(words)[0]


def _verb(words: list[str]) -> str | None:
    return _split(words)[1]


def _split(words: list[str]) -> tuple[list[str], str | None]:
    """The options before the verb, and the verb."""
    options: list[str] = []
    waiting = iter(words)
    for word in waiting:
        if not word.startswith("-"):
            return options, word
        options.append(word)
        if word == "-C":
            next(waiting, None)
    return options, None


if __name__ == "__main__":
    sys.exit(main())
