"""A copy of a project that can take its place."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest
from tests.faces.serving import Served, command, event, serving

from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The template's shop with its facts."""
    write_project(tmp_path / "shop", "ecommerce")
    assert command("-C", str(tmp_path / "shop"), "ingest").returncode == 0
    return tmp_path / "shop"


def answers(project: Path) -> list[str]:
    """What a project says of itself."""
    words = (["query", "units", "revenue", "variable_cost", "--by", "plan"], ["prices", "list"], ["quarantine", "list"])
    return [command("-C", str(project), "--json", *each).stdout for each in words]


def test_a_restored_project_answers_the_same(shop: Path, tmp_path: Path) -> None:
    """Digit for digit, its invariants hold, and it takes in more as the other would."""
    before = answers(shop)
    made = command("-C", str(shop), "backup", str(tmp_path / "copy"))
    assert made.returncode == 0, made.stderr
    samples = shutil.move(shop / "samples", tmp_path / "samples")
    shutil.rmtree(shop)
    shutil.move(tmp_path / "copy", shop)
    assert answers(shop) == before
    assert command("-C", str(shop), "verify").returncode == 0
    shutil.move(samples, shop / "samples")
    assert "nothing new" in command("-C", str(shop), "ingest").stdout


def test_it_is_whole_while_events_come_in(shop: Path, tmp_path: Path) -> None:
    """Each batch that was acknowledged before it began is there; none is there in part."""
    stop = threading.Event()
    with serving(shop) as served:
        sent = [0]
        feeder = threading.Thread(target=_feed, args=(served, stop, sent))
        feeder.start()
        try:
            while sent[0] < 3:
                stop.wait(0.05)
            acknowledged = sent[0]
            made = command("-C", str(shop), "backup", str(tmp_path / "copy"))
            assert made.returncode == 0, made.stderr
        finally:
            stop.set()
            feeder.join()
        assert served.stop() == 0
    assert command("-C", str(tmp_path / "copy"), "verify").returncode == 0
    found = command("-C", str(tmp_path / "copy"), "--json", "query", "events", "--where", "source = '/shop'")
    count = int(found.stdout.split('"events": ')[1].split(",")[0].strip('"} ]'))
    assert count % 50 == 0
    assert count >= 50 * acknowledged


def _feed(served: Served, stop: threading.Event, sent: list[int]) -> None:
    while not stop.is_set():
        first = 1_000 + 50 * sent[0]
        assert served.post(*(event(number) for number in range(first, first + 50))).status == 200
        sent[0] += 1


def test_who_may_sign_in_is_in_it(shop: Path, tmp_path: Path) -> None:
    """The control database too, for its owner's eyes alone."""
    with sqlite3.connect(shop / "data" / "control.db") as control:
        control.execute("CREATE TABLE IF NOT EXISTS kept (name TEXT)")
        control.execute("INSERT INTO kept VALUES ('kim')")
    assert command("-C", str(shop), "backup", str(tmp_path / "copy")).returncode == 0
    copied = tmp_path / "copy" / "data" / "control.db"
    with sqlite3.connect(copied) as control:
        assert control.execute("SELECT name FROM kept").fetchall() == [("kim",)]
    assert copied.stat().st_mode & 0o077 == 0


def test_a_place_that_is_taken_is_refused(shop: Path, tmp_path: Path) -> None:
    """Nothing there is touched."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").write_text("mine")
    refused = command("-C", str(shop), "backup", str(tmp_path / "copy"))
    assert (refused.returncode, "is not an empty directory" in refused.stderr) == (2, True)
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["mine"]
