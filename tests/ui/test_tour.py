"""The guided tour: a newcomer follows it and finds each story."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect
from tests.ui.browsing import visiting

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser
    from tests.faces.serving import Served

pytestmark = pytest.mark.slow

STORIES = ["heavy-release", "losing-region", "wrong-price", "failing-payments"]


@pytest.mark.parametrize("number", range(len(STORIES)), ids=STORIES)
def test_each_step_leads_to_what_it_points_at(
    browser: Browser, served: Served, states: dict[str, Any], studio: Path, number: int
) -> None:
    """The page it names, with what is chosen there, and a frame around what is to be seen."""
    story = json.loads((studio / "tour.json").read_text(encoding="utf-8"))["stories"][number]
    with visiting(browser, served, states["admin"]) as visit:
        page = visit.open("/executive")
        page.get_by_role("button", name="Tour").click()
        coach = page.get_by_role("dialog")
        coach.get_by_role("button", name=story["title"]).click()
        for place, step in enumerate(story["steps"]):
            expect(coach.get_by_role("heading", name=step["title"])).to_be_visible()
            expect(page).to_have_url(re.compile(re.escape(urlsplit(step["link"]).path) + r"(\?|$)"))
            visit.settle()
            chosen = parse_qsl(urlsplit(page.url).query)
            assert set(parse_qsl(urlsplit(step["link"]).query)) <= set(chosen), (step["link"], page.url)
            expect(page.locator(f".pu-toured[data-tour={step['highlight']}]")).to_be_visible(timeout=15_000)
            last = place + 1 == len(story["steps"])
            coach.get_by_role("button", name="Finish" if last else "Next").click()
        expect(coach.get_by_text("Seen")).to_be_visible()
    assert visit.complaints == []
