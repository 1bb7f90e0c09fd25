"""Every page, as each role, light and dark, wide and narrow."""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from tests.ui.browsing import PAGES, ROLES, SIZES, THEMES, visiting

if TYPE_CHECKING:
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
    browser: Browser, served: Served, states: dict[str, Any], role: str, theme: str, size: str
) -> None:
    """Its figures, or why they are not shown; nothing from elsewhere, no complaint, no violation, no side scroll."""
    wrong: list[str] = []
    with visiting(browser, served, states[role], theme, size) as visit:
        for name, path in PAGES.items():
            visit.open(path)
            wrong += [f"{name}: {violation}" for violation in visit.violations()]
            if visit.overflow() > 0:
                wrong.append(f"{name}: {visit.overflow()} px wider than its window")
    assert not wrong, "\n".join(wrong)
    assert visit.elsewhere == []
    # A figure that the role may not see answers 403, which browsers write to the console of their own accord.
    assert [said for said in visit.complaints if "status of 403" not in said] == []
