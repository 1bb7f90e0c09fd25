"""Opening a project's data: one process at a time, whole groups whatever happens, and keys that outlive an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.invariants.company import CONTRACT
from tests.store.delivery import deliver, write_events

from perunit.contract.shape import Contract
from perunit.model.errors import StoreBusyError, StoreError
from perunit.store.project_store import FILE_NAME, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.engine.duckdb import Engine

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def store(data: Path) -> Iterator[Engine]:
    """The company's store in a directory."""
    contract = Contract.model_validate(CONTRACT)
    names = (tuple(contract.units), contract.dimensions(), contract.meter_names())
    with open_store(data, *names, purpose="test") as engine:
        yield engine


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """A file of some groups."""
    path = tmp_path / "events.ndjson"
    write_events(path, 4_000)
    return path


def delivery(project: Path, events: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """Ingests in another process, run by the command `before` where one is given."""
    command = [*before, sys.executable, "-m", "tests.store.delivery", str(project), str(events)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_second_process_is_told_who_holds_the_project(tmp_path: Path, events: Path) -> None:
    """It gets an error with the process and what it does, and changes nothing."""
    with store(tmp_path / "data"):
        second = delivery(tmp_path, events)
        holder = f"process {os.getpid()} ('perunit test') holds the project; wait until it has ended"
        assert second.stderr.strip() == f"StoreBusyError: {tmp_path / 'data'}: {holder}"
    assert delivery(tmp_path, events).returncode == 0


def test_a_process_cannot_hold_a_project_twice(tmp_path: Path) -> None:
    """Also within one process; and the lock ends with the first, even if that ends with an error."""
    with suppress(RuntimeError), store(tmp_path):
        with pytest.raises(StoreBusyError, match="holds the project"):
            store(tmp_path).__enter__()
        raise RuntimeError
    with store(tmp_path) as engine:
        assert engine.value("SELECT count(*) FROM events") == 0


def test_a_lock_file_left_by_a_dead_process_is_no_lock(tmp_path: Path) -> None:
    """The lock is the system's, not the file's text."""
    (tmp_path / "perunit.lock").write_text('{"pid": 1, "purpose": "ingest"}', encoding="utf-8")
    with store(tmp_path) as engine:
        assert engine.value("SELECT count(*) FROM events") == 0


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The message names the file and the mend."""
    path = tmp_path / FILE_NAME
    path.write_bytes(b"not a database" * 400)
    with (
        pytest.raises(StoreError, match=r"perunit\.duckdb: cannot be opened \(.*\); restore it from a backup"),
        store(tmp_path),
    ):
        pass
    assert path.read_bytes() == b"not a database" * 400


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """Something else stands in its place."""
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be made"), store(tmp_path / "data"):
        pass


def test_a_lock_that_cannot_be_taken_is_an_error(tmp_path: Path) -> None:
    """Something else has its name."""
    (tmp_path / "perunit.lock").mkdir()
    with pytest.raises(StoreError, match=r"perunit\.lock: cannot be opened \(Is a directory\)"), store(tmp_path):
        pass


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    """It is for another perunit to read."""
    with store(tmp_path) as engine:
        engine.execute("UPDATE store_state SET value = '0' WHERE key = 'version'")
    with pytest.raises(StoreError, match="the data has version 0, this perunit reads version"), store(tmp_path):
        pass


def test_data_of_the_version_before_is_brought_to_this_one(tmp_path: Path) -> None:
    """By additions alone: what was there stays, and what is new has its tables and columns."""
    with store(tmp_path) as engine:
        engine.execute(
            "INSERT INTO batches BY NAME SELECT 1 AS batch_id, 'r' AS run_id, 's' AS source, 'f' AS file_name, "
            "0 AS chunk, 'd' AS digest, TIMESTAMP '2026-03-01' AS ingested_at, 2 AS received, 2 AS accepted, "
            "0 AS duplicate, 0 AS conflict, 0 AS rejected, 0 AS orphan, 0 AS late, 0 AS blank"
        )
        engine.execute("INSERT INTO units VALUES ('order', 'o1', TIMESTAMP '2026-03-01', 1, 4)")
        engine.execute("ALTER TABLE batches DROP COLUMN ignored")
        engine.execute("ALTER TABLE events DROP COLUMN sampled_by")
        for table in ("units", "rollup_units", "unit_days"):
            engine.execute(f"ALTER TABLE {table} DROP COLUMN weight")
        engine.execute("UPDATE store_state SET value = '2' WHERE key = 'version'")
    for _ in range(2):
        with store(tmp_path) as engine:
            assert engine.rows("SELECT received, ignored FROM batches") == [(2, 0)]
            # What was counted before there were weights was counted whole.
            assert engine.rows("SELECT weight FROM units") == [(1,)]
            assert engine.rows("SELECT sampled_by, weight FROM events JOIN cells USING (cell_id)") == []
            assert engine.value("SELECT value FROM store_state WHERE key = 'version'") == "3"


def test_keys_are_made_anew_for_an_engine_that_hashes_otherwise(tmp_path: Path, events: Path) -> None:
    """A store written under another hash finds its duplicates and conflicts as before."""
    first = deliver(tmp_path, events)
    with store(tmp_path / "data") as engine:
        engine.execute("UPDATE events SET event_key = event_key + 1 WHERE event_key < 18446744073709551615")
        engine.execute("UPDATE store_state SET value = 'another' WHERE key = 'hash_probe'")
    again = tmp_path / "again.ndjson"
    # Other bytes, so that no group is known for what it is.
    again.write_text(
        "".join(f" {line}\n" for line in events.read_text(encoding="utf-8").splitlines()), encoding="utf-8"
    )
    second = deliver(tmp_path, again)
    assert first.conflict > 0
    assert (second.accepted, second.duplicate, second.conflict) == (
        0, first.accepted + first.duplicate, first.conflict,
    )  # fmt: skip


def _left_whole(project: Path, events: Path, failed: subprocess.CompletedProcess[str]) -> None:
    """A delivery that found no room said so in one line, left whole groups, and goes on when there is room."""
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"StoreError: {project / 'data'}: cannot be written (")
    assert failed.stderr.strip().endswith(
        "free space or memory and run again; whole groups that were committed are kept"
    )
    assert len(failed.stderr.splitlines()) == 1
    with store(project / "data") as engine:
        counts = engine.rows("SELECT sum(received), sum(accepted), sum(duplicate), count(*) FROM batches")[0]
        stored = engine.rows("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM duplicates)")[0]
        summed = engine.rows("SELECT sum(events), sum(duplicates) FROM rollup")[0]
    assert counts[1:3] == (stored if counts[3] else (None, None))
    assert summed == (stored if counts[3] else (None, None))


def test_a_file_that_may_not_grow_loses_nothing(tmp_path: Path, events: Path) -> None:
    """Under a limit of the size of files, as under a quota."""
    project = tmp_path / "project"
    limited = delivery(project, events, "bash", "-c", 'ulimit -f 1500 && exec "$@"', "bash")
    _left_whole(project, events, limited)
    assert deliver(project, events).rejected == 0
    calm = tmp_path / "calm"
    assert deliver(calm, events).received == _received(project)


def test_a_full_disk_loses_nothing(tmp_path: Path, events: Path) -> None:
    """On a file system with no room left."""
    project = tmp_path / "project"
    project.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(project)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        _left_whole(project, events, delivery(project, events))
        subprocess.run(["mount", "-o", "remount,size=200m", str(project)], check=True)
        deliver(project, events)
        received = _received(project)
    finally:
        subprocess.run(["umount", str(project)], check=True)
    calm = tmp_path / "calm"
    assert deliver(calm, events).received == received


def _received(project: Path) -> int:
    with store(project / "data") as engine:
        return int(engine.value("SELECT sum(received) FROM batches"))
