"""The command itself: help without heavy imports, errors, exit codes."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

from perunit.faces.cli.main import VERBS, cli, main
from perunit.model.errors import ConfigurationError, Fault, StoreError

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("duckdb", "pydantic", "rich", "sqlglot", "pyarrow", "numpy", "yaml")


def test_help_imports_nothing_heavy() -> None:
    """The help answers at once because it needs neither the engine nor the contract."""
    program = (
        "import sys; from perunit.faces.cli.main import main; main(['--help']); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert answer.rstrip().endswith("[]")
    assert all(f"\n  {verb} " in answer for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_table_is_there(verb: str) -> None:
    """Each verb names a command that explains itself, and its module imports nothing heavy at the top."""
    module, name = VERBS[verb][0].split(":")
    command = getattr(importlib.import_module(f"perunit.faces.cli.{module}"), name)
    assert isinstance(command, click.Command)
    assert command.help


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_explained(verb: str) -> None:
    """No option of any verb is without help, but for choices that explain themselves."""
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or isinstance(parameter.type, click.Choice), parameter.name


def test_an_unknown_verb_is_answered_with_near_ones(run: Any) -> None:
    """A misspelt verb is a usage error with what was probably meant."""
    code, out, err = run("qurey")
    assert (code, out) == (2, "")
    assert "did you mean query?" in err


def test_version(run: Any) -> None:
    """The version stands alone on its line."""
    assert run("--version")[:2] == (0, "perunit, version 0.1.0\n")


@pytest.mark.parametrize(
    ("error", "code"), [(StoreError("data/: cannot be opened; free it"), 2), (KeyboardInterrupt(), 130)]
)
def test_what_a_person_can_mend_has_no_traceback(
    run: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    """A known error is one line and its exit code; an interruption says nothing."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("perunit.faces.cli.measures._known", fail)
    got, out, err = run("measures")
    assert (got, out) == (code, "")
    assert "Traceback" not in err
    if code == 2:
        assert err == "error: data/: cannot be opened; free it\n"


def test_an_error_in_json_is_one_document(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --json a program finds the error, with every fault, on standard output."""
    fault = Fault("perunit.yaml", 12, "units.order.parent", "'usr'", "must be a unit", "correct the name")

    def fail(*_: Any, **__: Any) -> None:
        raise ConfigurationError([fault])

    monkeypatch.setattr("perunit.faces.cli.measures._known", fail)
    code, out, err = run("-C", "somewhere", "--json", "measures")
    answer = json.loads(out)["error"]
    assert (code, answer["kind"], answer["exit_code"]) == (2, "ConfigurationError", 2)
    assert answer["faults"] == [fault.as_json()]
    assert "perunit.yaml:12" in err


def test_a_usage_error_in_json_is_one_document_too(run: Any) -> None:
    """What the command line itself refuses has the same form."""
    code, out, _ = run("--json", "query")
    assert (code, json.loads(out)["error"]["kind"]) == (2, "MissingParameter")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    """`perunit measures | head -1` ends quietly."""
    words = f"{sys.executable} -m perunit.faces.cli.main --json measures | head -c 1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", words], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode in {0, 141}
    assert ended.stderr == ""


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no person can mend is not dressed up."""

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("perunit.faces.cli.measures._known", fail)
    with pytest.raises(ZeroDivisionError):
        main(["measures"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [("query cost_var", "cost_variance"), ("query --by reg", "region"), ("receipt ord", "order"), ("rec", "receipt")],
)
def test_the_shell_completes_names(tmp_path: Path, words: str, expected: str) -> None:
    """Verbs, measures, the contract's dimensions and unit types are completed."""
    from perunit.faces.cli.init import write_project

    write_project(tmp_path / "shop", "ecommerce")
    line = f"perunit -C {tmp_path / 'shop'} {words}"
    environment = {"_PERUNIT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    program = "from perunit.faces.cli.main import main; main()"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert f"plain,{expected}" in answer.stdout.split("\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Any, shell: str) -> None:
    """Each shell's script calls back the program."""
    code, out, _ = run("completion", shell)
    assert code == 0
    assert "_PERUNIT_COMPLETE" in out
