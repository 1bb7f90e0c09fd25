"""The demo, from nothing to a company that lives on."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.faces.serving import serving

from perunit.faces.cli.demo_live import LiveCompany
from perunit.faces.cli.main import main
from perunit.simulate.options import SimulationOptions
from perunit.simulate.showcase import options_of, wrong_from
from perunit.wiring import opened

if TYPE_CHECKING:
    from pathlib import Path

END = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo's project that was not served."""
    room = tmp_path_factory.mktemp("demo")
    words = ["-C", str(room), "--json", "demo", "--dir", "studio", "--events", "20000", "--until", "2026-10-01"]
    assert main([*words, "--no-serve"]) == 0
    return room / "studio"


def test_the_company_can_be_made_again(company: Path) -> None:
    """Its options stand in its truth."""
    expected = SimulationOptions(events=20_000, start=date(2026, 9, 1), price_change=datetime(2026, 9, 15, tzinfo=UTC))
    assert options_of(company) == expected


def test_the_mistake_in_a_price_book_is_in_force(company: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Tokens cost a hundred times as much from its instant on, by an approved version."""
    costs = _cost_per_token(company, capfd)
    begins = f"{wrong_from(options_of(company)):%Y-%m-%d}"
    before = [cost for day, cost in costs.items() if "2026-09-15" <= day < begins]
    after = [cost for day, cost in costs.items() if day >= begins]
    assert len(after) == 3
    assert min(after) > 50 * max(before)


def _cost_per_token(company: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, float]:
    words = ["query", "usage_cost", "--grain", "day", "--where", "meter = 'llm_output_tokens'"]
    assert main(["-C", str(company), "--json", *words]) == 0
    cost = {row["day"][:10]: float(row["usage_cost"]) for row in json.loads(capfd.readouterr().out)["rows"]}
    assert main(["-C", str(company), "--json", "query", "llm_output_tokens", "--grain", "day"]) == 0
    tokens = {row["day"][:10]: row["llm_output_tokens"] for row in json.loads(capfd.readouterr().out)["rows"]}
    return {day: amount / float(tokens[day]) for day, amount in cost.items()}


def test_every_story_of_the_tour_leads_somewhere(company: Path) -> None:
    """Each step names a page and what is chosen there."""
    stories: list[dict[str, Any]] = json.loads((company / "tour.json").read_text(encoding="utf-8"))["stories"]
    assert [story["id"] for story in stories] == ["heavy-release", "losing-region", "wrong-price", "failing-payments"]
    for story in stories:
        assert all(step["link"].startswith("/") and step["text"] for step in story["steps"])


def test_it_lives_on_through_the_door(company: Path) -> None:
    """What happens after the simulated days arrives as it happens, each event once, and goes on where it stopped."""
    options, begun = options_of(company), time.monotonic()

    def hurried() -> datetime:
        """Two hours a second, from the end of the simulated days on."""
        return END + timedelta(hours=2 * (time.monotonic() - begun))

    with serving(company) as served:
        for _ in range(2):
            live = LiveCompany(company, options, clock=hurried)
            live.start(served.address)
            time.sleep(5)
            live.stop()
            time.sleep(2.5)
        assert served.stop() == 0
    with opened(company, purpose="query") as project:
        since = project.engine.rows(
            "SELECT count(*), count(DISTINCT (e.id, c.source)) FROM events e JOIN cells c USING (cell_id) "
            "WHERE event_time >= $end",
            {"end": END.replace(tzinfo=None)},
        )[0]
        assert since[0] == since[1] > 100
        assert project.engine.value("SELECT count(*) FROM quarantine WHERE kind = 'rejected'") == 0
