"""Every page, as each role, light and dark, wide and narrow."""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from bench.web import BUDGET, OBSERVE
from tests.ui.browsing import PAGES, ROLES, SIZES, THEMES, visiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser
    from tests.faces.serving import Served

pytestmark = pytest.mark.slow


# Every role in every look takes 28 rounds; without PERUNIT_EVERY_LOOK only the administrator's is seen in all of them.
LOOKS = [
    (role, theme, size)
    for role, theme, size in product(ROLES, THEMES, SIZES)
    if role == "admin" or (theme, size) in {("light", "wide"), ("dark", "narrow")} or "PERUNIT_EVERY_LOOK" in os.environ
]


@pytest.mark.parametrize(("role", "theme", "size"), LOOKS)
def test_every_page_is_whole(
    browser: Browser,
    served: Served,
    states: dict[str, Any],
    record_property: Callable[[str, object], None],
    role: str,
    theme: str,
    size: str,
) -> None:
    """Its figures, or why they are not shown; it stays still, nothing is from elsewhere, no complaint, no violation, no
    side scroll.
    """
    wrong: list[str] = []
    with visiting(browser, served, states[role], theme, size) as visit:
        visit.page.add_init_script(OBSERVE)
        for name, path in PAGES.items():
            visit.open(path)
            seen = visit.page.evaluate("window.__seen")
            # How soon it was painted is of this machine and only told; how far it moved is of the page.
            record_property(f"{name} {size} {role}", f"LCP {seen['lcp']:.0f} ms, CLS {seen['cls']:.4f}")
            if seen["cls"] > BUDGET["cls"]:
                wrong.append(f"{name}: moved by {seen['cls']:.3f} of the screen, at most {BUDGET['cls']} may")
            wrong += [f"{name}: {violation}" for violation in visit.violations()]
            if visit.overflow() > 0:
                wrong.append(f"{name}: {visit.overflow()} px wider than its window")
    assert not wrong, "\n".join(wrong)
    assert visit.elsewhere == []
    # A figure that the role may not see answers 403, which browsers write to the console of their own accord.
    assert [said for said in visit.complaints if "status of 403" not in said] == []
