"""``perunit check``: what it prints, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from perunit.faces.cli.check import check
from perunit.faces.cli.context import Settings

Write = Callable[..., Path]


def run(root: Path, *, as_json: bool = False) -> tuple[int, str]:
    """The exit code and output of the verb on a directory."""
    result = CliRunner().invoke(check, [], obj=Settings(root, as_json), catch_exceptions=False)
    return result.exit_code, result.output


def test_a_sound_project_is_fine(project: Write) -> None:
    """Exit 0 and one line that says what was looked at, without colours where no terminal is."""
    code, output = run(project())
    assert code == 0
    assert output == ("fine: 2 unit types, 1 source, 0 event types, 0 allocation rules, 0 price books with 0 rates\n")


def test_faults_are_grouped_by_file_and_counted(project: Write) -> None:
    """Exit 2; each line has its number, place, value, rule and mend."""
    code, output = run(
        project(
            "version: 1\nunits:\n  order: {owner: o, key: k, parent: usr}\ncurrency: usd\n",
            prices__p_dot_yaml="book: p\nversion: 0\ncurrency: USD\n",
        )
    )
    assert code == 2
    assert output.splitlines() == [
        "perunit.yaml",
        "      3  units.order.parent: got 'usr', must be a unit type; declare it under units, or take the parent away",
        "      4  currency: got 'usd', must be an ISO 4217 code such as USD; correct or rename it",
        "prices/p.yaml",
        "      2  version: got 0, must be >= 1; correct the number",
        "1 note:",
        "perunit.yaml",
        "      1  has neither sources nor events; add one of them; there is nothing to ingest yet",
        "3 faults in 2 files",
    ]


def test_json_holds_every_fault_and_note(project: Write) -> None:
    """The same as plain values, with the same exit code."""
    code, output = run(project("version: 1\nunits: {order: {owner: o, key: k}}\ncurrency: usd\n"), as_json=True)
    answer = json.loads(output)
    assert code == 2
    assert answer["ok"] is False
    assert answer["faults"][0] == {
        "file": "perunit.yaml",
        "line": 3,
        "place": "currency",
        "got": "'usd'",
        "rule": "must be an ISO 4217 code such as USD",
        "mend": "correct or rename it",
    }
    assert [note["rule"] for note in answer["notes"]] == ["has neither sources nor events"]
    assert json.loads(run(project(), as_json=True)[1]) == {"ok": True, "faults": [], "notes": []}
