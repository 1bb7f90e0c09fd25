"""The guide to sampling: its figures are what its files give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from click.testing import CliRunner
from tests.docs.test_docs import FENCE, page, perunit, written_out

from perunit.faces.cli.main import cli

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = page("sampling.md")


def test_the_five_minutes(tmp_path: Path) -> None:
    """The files give the table that is shown, to the character, and the same exactly in JSON."""
    folder = written_out(GUIDE, tmp_path)
    assert perunit(folder, "ingest", str(folder / "events.ndjson"))["files"][0]["accepted"] == 5
    (words,) = re.findall(r"^perunit (query .*)$", GUIDE, re.M)
    (shown,) = [block for info, block in FENCE.findall(GUIDE) if info == "text"]
    told = CliRunner().invoke(cli, ["-C", str(folder), *words.split()]).stdout
    assert [line.rstrip() for line in told.splitlines()[:4]] == shown.splitlines()
    whole, free = perunit(folder, *words.split())["rows"]
    assert (whole["units"], whole["units_error"], whole["estimated"]) == (1, None, [])
    assert (free["units"], free["variable_cost"], free["cost_per_unit"]) == (40, "16", "0.4")
    assert (free["units_error"], free["cost_per_unit_error"]) == ("18.9737", "0.067082")
    assert free["estimated"] == ["units", "variable_cost", "cost_per_unit", "success_rate"]
