"""Equal options give equal bytes, whatever the chunks; the files are complete or not there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from perunit.model.errors import StoreError, UsageError
from perunit.simulate import run
from perunit.simulate.options import SimulationOptions
from perunit.simulate.run import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulate.conftest import Company


def digests(root: Path) -> dict[str, str]:
    """Every file below `root` and its SHA-256."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("chunk_orders", [200, 37, 1_000_000])
def test_equal_options_give_equal_files(company: Company, tmp_path: Path, chunk_orders: int) -> None:
    """Twice the same, and one chunk gives what many chunks give."""
    simulate(tmp_path / "again", replace(company.options, chunk_orders=chunk_orders))
    assert digests(tmp_path / "again") == digests(company.root)


def test_another_seed_gives_another_company(company: Company, tmp_path: Path) -> None:
    """The seed decides the events."""
    simulate(tmp_path / "other", replace(company.options, seed=12))
    assert digests(tmp_path / "other")["events/part-00001.ndjson"] != digests(company.root)["events/part-00001.ndjson"]


def test_the_seed_means_the_same_for_ever(tmp_path: Path) -> None:
    """The bytes of a small company are part of the promise; change them only with a note in the change log."""
    simulate(tmp_path / "golden", SimulationOptions(events=500, days=3, parts=1))
    found = digests(tmp_path / "golden")
    assert found["events/part-00001.ndjson"] == "d9fa920ac66cc266cae8a5f2e49cb09bd834e4444a7b0f548e42db3c0ec7361c"
    assert found["truth/daily.csv"] == "83d554747eda29592e526f07441753e08e30a20b0ccdc67aefca202e683dc638"


@pytest.mark.parametrize("parts", [1, 5])
def test_events_are_spread_over_the_parts_asked_for(company: Company, tmp_path: Path, parts: int) -> None:
    """Joined, the parts are the same lines as ever."""
    summary = simulate(tmp_path / "parts", replace(company.options, parts=parts))
    files = sorted((tmp_path / "parts" / "events").iterdir())
    assert len(files) == summary.parts == parts
    assert b"".join(path.read_bytes() for path in files) == b"\n".join(company.lines) + b"\n"


def test_progress_tells_of_every_line(company: Company, tmp_path: Path) -> None:
    """The counts rise to the number of lines."""
    seen: list[tuple[int, int]] = []
    simulate(tmp_path / "told", company.options, lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == company.summary.lines
    assert all(done <= total for done, total in seen)


def test_a_place_that_holds_something_is_refused(company: Company, tmp_path: Path) -> None:
    """Nothing that is there is overwritten; an empty directory is filled."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not an empty directory"):
        simulate(tmp_path / "full", company.options)
    (tmp_path / "empty").mkdir()
    simulate(tmp_path / "empty", SimulationOptions(events=100, parts=1))
    assert (tmp_path / "empty" / "perunit.yaml").is_file()


def test_a_broken_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up at the end is told, and neither the project nor its beginnings remain."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "write_project", full)
    with pytest.raises(StoreError, match="No space left on device"):
        simulate(tmp_path / "studio", SimulationOptions(events=100, parts=1))
    assert list(tmp_path.iterdir()) == []


def test_about_as_many_events_as_asked(tmp_path: Path) -> None:
    """Within two per cent, duplicates and conflicts apart."""
    summary = simulate(tmp_path / "many", SimulationOptions(events=40_000, days=30))
    assert abs(summary.events - 40_000) < 800
    assert summary.lines == summary.events + summary.duplicates + summary.conflicts


def test_without_a_tail_all_has_arrived_by_the_end(company: Company, tmp_path: Path) -> None:
    """The files end earlier, and the truth is of what is there."""
    summary = simulate(tmp_path / "studio", replace(company.options, tail=False))
    lines = [
        line for part in sorted((tmp_path / "studio" / "events").iterdir()) for line in part.read_bytes().splitlines()
    ]
    told = [json.loads(line) for line in lines]
    assert 0 < len(lines) < len(company.lines)
    assert lines == company.lines[: len(lines)]
    end = f"{company.options.end:%Y-%m-%dT%H:%M:%S}"
    assert all(event["recordedtime"] < end for event in told)
    assert any(event["recordedtime"] >= end for event in company.events)
    assert len({event["id"] for event in told}) == summary.events
    assert len(lines) == summary.lines == summary.events + summary.duplicates + summary.conflicts


def test_orders_of_which_nothing_has_arrived_are_not_there(tmp_path: Path) -> None:
    """Where all is late and there is no tail, the orders of the last day."""
    asked = SimulationOptions(events=500, days=3, parts=1, late=1.0, tail=False)
    simulate(tmp_path / "studio", asked)
    told = (tmp_path / "studio" / "truth" / "orders.csv").read_text().splitlines()[1:]
    assert told
    assert all(line.split(",")[1] < f"{asked.end - timedelta(days=1):%Y-%m-%dT%H}" for line in told)


@pytest.mark.parametrize("days", [1, 61, 366])
def test_any_number_of_days(tmp_path: Path, days: int) -> None:
    """A single day and a whole year work, with bills for each month."""
    summary = simulate(tmp_path / "days", SimulationOptions(events=1_000, days=days, parts=1))
    assert len(summary.bills) == 2 * {1: 1, 61: 2, 366: 13}[days]
    assert summary.orders > 0
