"""How fast the pages are for a person is measured; `make bench-web` does it for all of them, on a machine at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bench.web import BUDGET, seen, sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser
    from tests.faces.serving import Served

pytestmark = pytest.mark.slow
# UX.md, in kilobytes as compressed.
SIZES = {"initial_js_kb": 190, "largest_route_js_kb": 40, "total_js_kb": 350, "css_kb": 15}


@pytest.mark.parametrize("page", ["executive", "quality"])
def test_a_page_is_measured_on_a_slow_machine(
    browser: Browser, served: Served, states: dict[str, Any], record_property: Callable[[str, object], None], page: str
) -> None:
    """At a quarter of this one's speed it answers, and stays still; its times are told in a report, not held to."""
    found = seen(browser, served, states["admin"], page, slowed=4, size="wide", visits=1)
    for what in ("lcp_ms", "inp_ms"):
        record_property(f"{page} {what}", f"{getattr(found, what)}, at most {BUDGET[what][4]}")  # type: ignore[index]
    assert found.lcp_ms > 0
    assert found.inp_ms > 0
    assert found.cls <= BUDGET["cls"]


def test_what_is_sent_is_within_its_budget() -> None:
    """What the page needs at once, the largest route, and all of it."""
    found = sizes()
    assert {name: size for name, size in found.items() if size > SIZES[name]} == {}
