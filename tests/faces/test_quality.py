"""``perunit quality`` as a report and as a check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.faces.serving import event

from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Run = "Callable[..., tuple[int, str, str]]"


@pytest.fixture
def shop(tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> Path:
    """The template's shop with three events, one of them refused and one with a field it does not know."""
    write_project(tmp_path, "ecommerce")
    odd = event(2)
    odd["data"]["weird"] = "secret-value"
    lines = [event(1), odd, event(3, data={})]
    (tmp_path / "e.ndjson").write_text("\n".join(map(json.dumps, lines)))
    assert run("-C", tmp_path, "ingest", tmp_path / "e.ndjson")[0] == 0
    return tmp_path


def test_the_report_counts_and_shows_shares(shop: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    """For a person, with the share of what is not fine; for a program, exactly."""
    code, text, _ = run("-C", shop, "quality")
    assert code == 0
    assert "cloudevents" in text
    assert "1 (33.33 %)" in text
    code, text, _ = run("-C", shop, "--json", "quality", "--by", "producer")
    (row,) = json.loads(text)["rows"]
    assert (row["producer"], row["received"], row["accepted"], row["rejected"]) == ("/shop", 3, 2, 1)
    assert row["watermark"] == "2026-09-01T12:00:00Z"
    assert row["rejected_rate"].startswith("0.3333")


def test_broken_rules_and_days(shop: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    """Each by its own view."""
    rules = json.loads(run("-C", shop, "--json", "quality", "--by", "rule")[1])["rows"]
    assert [(row["rule"], row["rows"]) for row in rules] == [("schema required", 1)]
    days = json.loads(run("-C", shop, "--json", "quality", "--by", "day")[1])["rows"]
    assert [row["received"] for row in days] == [3]


def test_drift_names_fields_and_never_values(shop: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    """An unknown field is told with its kind."""
    text = run("-C", shop, "--json", "quality", "--drift")[1]
    unknown = [each["field"] for each in json.loads(text)["drift"] if each["change"] == "unknown"]
    assert unknown == ["data.weird"]
    assert "secret-value" not in text + run("-C", shop, "quality", "--drift")[1]


def test_it_is_a_check_with_limits(shop: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    """1 beyond a limit, naming it; 0 within; 3 where nothing came; 2 for a limit that is none."""
    code, text, _ = run("-C", shop, "quality", "--max-reject-rate", "10%")
    assert (code, "cloudevents: reject rate 33.33 %, must be at most 10.00 %" in text) == (1, True)
    assert run("-C", shop, "quality", "--max-reject-rate", "0.34", "--max-orphan-rate", "0")[0] == 0
    assert run("-C", shop, "quality", "--max-freshness", "1s")[0] == 1
    assert run("-C", shop, "quality", "--source", "other", "--max-freshness", "1s")[0] == 3
    for wrong in (("--max-freshness", "soon"), ("--max-late-rate", "2"), ("--max-late-rate", "NaN")):
        assert run("-C", shop, "quality", *wrong)[0] == 2
