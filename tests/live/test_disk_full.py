"""Where the disk is full, arrivals are told so, nothing of them is kept, and the intake goes on once there is room."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
import pytest
from tests.facts.said import line
from tests.invariants.company import CONTRACT, clock
from tests.live.arriving import arrival

from perunit import pipeline
from perunit.contract.project import Project
from perunit.contract.shape import Contract
from perunit.live.intake import Intake
from perunit.store.project_store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def large(number: int) -> list[str]:
    """An arrival's lines, some hundred kilobytes that do not compress well."""
    return [line(id=f"{number}-{place}-{hash((number, place)):x}" + "x" * 200) for place in range(2_000)]


def test_a_full_disk_refuses_arrivals_and_loses_nothing(tmp_path: Path) -> None:
    """What was acknowledged is there, what was not is not, and after room is made all goes on."""
    contract = Contract.model_validate(CONTRACT)
    names = (tuple(contract.units), contract.dimensions(), contract.meter_names())
    with small_disk(tmp_path / "disk") as root:
        ballast = root / "ballast"
        ballast.write_bytes(bytes(6 << 20))
        project = Project(root, contract, {}, ())
        with open_store(project.data, *names, purpose="test") as engine:
            pipeline.start(project, engine, clock)
            intake = Intake(project, engine, clock)
            acknowledged, refused = 0, None
            for number in range(40):
                try:
                    acknowledged += intake.submit(arrival(large(number))).result(60).accepted
                except duckdb.Error as error:
                    refused = number, error
                    break
            assert refused is not None
            ballast.unlink()
            again = intake.submit(arrival(large(refused[0]))).result(60)
            assert (again.accepted, again.duplicate) == (2_000, 0)
            stored = intake.run(lambda engine: engine.value("SELECT count(*) FROM events")).result(60)
            assert stored == acknowledged + 2_000
            intake.close()
            assert intake.failing is None
            assert engine.value("SELECT sum(events) FROM rollup") == stored
        with open_store(project.data, *names, purpose="test") as engine:
            assert [each for each in pipeline.verify(project, engine) if each.broken] == []
