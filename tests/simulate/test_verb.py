"""`perunit simulate` answers a person and a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from perunit.faces.cli.context import Settings
from perunit.faces.cli.simulate import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(root: Path, *words: str, as_json: bool = False) -> Result:
    """Runs the verb below `root`."""
    return CliRunner().invoke(simulate, list(words), obj=Settings(root, as_json), catch_exceptions=True)


def test_a_person_is_told_what_was_made_and_what_to_try(tmp_path: Path) -> None:
    """The summary names the counts and the next commands, with the directory in them."""
    result = run(tmp_path, "--out", "studio", "--events", "1000", "--days", "5")
    assert result.exit_code == 0
    assert "contribution_margin" in result.output
    assert f"perunit -C {tmp_path}/studio ingest {tmp_path}/studio/events" in result.output
    assert (tmp_path / "studio" / "truth.json").is_file()


def test_a_program_gets_the_summary_as_json(tmp_path: Path) -> None:
    """Every option reaches the simulation."""
    words = [
        "--events",
        "2000",
        "--days",
        "6",
        "--seed",
        "3",
        "--start",
        "2026-02-26",
        "--duplicates",
        "0.5",
        "--conflicts",
        "0",
        "--late",
        "0",
        "--parts",
        "2",
    ]
    result = run(tmp_path, "--out", "s", *words, "--price-change", "2026-03-01T06:30:00+01:00", as_json=True)
    summary = json.loads(result.output)
    assert summary["first_day"] == "2026-02-26"
    assert summary["price_change"] == "2026-03-01T05:30:00Z"
    assert (summary["days"], summary["seed"], summary["parts"]) == (6, 3, 2)
    assert (summary["conflicts"], summary["late"]) == (0, 0)
    assert summary["duplicates"] > 0.4 * summary["events"]
    assert summary["bills"] == [f"bills/2026-0{month}-v{version}.csv" for month in (2, 3) for version in (1, 2)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--start", "yesterday"), "must be a date such as 2026-09-01"),
        (("--price-change", "soon"), "must be a date or an instant"),
        (("--events", "many"), "not a valid integer"),
    ],
)
def test_words_that_mean_nothing_are_refused(tmp_path: Path, words: tuple[str, str], message: str) -> None:
    """Exit code 2, the option and what it must look like; nothing is written."""
    result = run(tmp_path, "--out", "s", *words)
    assert result.exit_code == 2
    assert message in result.output
    assert list(tmp_path.iterdir()) == []
