"""`perunit annotate` notes what happened, once, and refuses what charts could not show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The template's shop."""
    write_project(tmp_path, "ecommerce")
    return tmp_path


def test_it_is_noted_once(shop: Path, run: Run) -> None:
    """With a key however often; the answer says whether it is new."""
    words = ("-C", str(shop), "--json", "annotate", "deployment", "v4.3", "--segment", "region=eu", "--key", "job 7")
    first, again = (json.loads(run(*words)[1]) for _ in range(2))
    assert (first["new"], again["new"]) == (True, False)
    assert first["id"] == again["id"]
    assert first["segments"] == {"region": "eu"}
    code, out, _ = run("-C", str(shop), "annotate", "note", "a sale", "--at", "2026-09-01T10:00Z")
    assert (code, out) == (0, "note 'a sale' at 2026-09-01 10:00 UTC\n")


@pytest.mark.parametrize(
    "words",
    [
        ("party", "x"), ("note", " "), ("note", "x", "--at", "soon"), ("note", "x", "--segment", "region"),
        ("note", "x", "--segment", "colour=red"), ("note", "x", "--url", "javascript:alert(1)"),
        ("note", "x", "--at", "2026-09-02", "--until", "2026-09-01"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(shop: Path, run: Run, words: tuple[str, ...]) -> None:
    """With exit code 2 and what to correct."""
    code, _, said = run("-C", str(shop), "annotate", *words)
    assert code == 2
    assert said
