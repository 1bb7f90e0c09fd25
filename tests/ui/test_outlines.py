"""What a screen reader finds on each page stays what it was: landmarks, headings, tables, controls, each by its name.

``PERUNIT_RENEW=1 pytest tests/ui/test_outlines.py`` keeps what is there now; read the difference before you commit it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.ui.browsing import PAGES, visiting

from perunit.economics.reconcile.variance import VARIANCE_CAUSES

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.faces.serving import Served

pytestmark = pytest.mark.slow

KEPT = Path(__file__).parent / "outlines"
ROLES = (
    *("banner", "navigation", "main", "region", "heading", "table", "columnheader", "tablist", "tab", "button"),
    *("combobox", "textbox", "searchbox", "checkbox", "group", "list"),
)
_LINE = re.compile(rf'- ({"|".join(ROLES)}) "((?:[^"\\]|\\.)*)"')
_NUMBER = re.compile(r"[0-9][0-9.,:/-]*")


def outline(snapshot: str) -> list[str]:
    """Every part once, by role and name, with a mark where a number stands."""
    parts = (_LINE.match(line.strip()) for line in snapshot.splitlines())
    return sorted({f"{part[1]} {_NUMBER.sub('#', part[2])}" for part in parts if part and not of_data(part)})


def of_data(part: re.Match[str]) -> bool:
    """Whether the data of the day brings it: a segment, which begins small, or a cause of a month's variance."""
    cause = part[1] == "columnheader" and part[2].replace(" ", "_").lower() in VARIANCE_CAUSES
    return cause or (part[1] == "button" and part[2][0].islower())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_outline_it_had(browser: Browser, served: Served, states: dict[str, Any], name: str) -> None:
    """For an administrator, who sees all of it."""
    with visiting(browser, served, states["admin"]) as visit:
        found = outline(visit.open(PAGES[name]).locator("body").aria_snapshot())
    path = KEPT / f"{name}.txt"
    if "PERUNIT_RENEW" in os.environ:
        path.write_text("\n".join([*found, ""]), encoding="utf-8")
    assert found == path.read_text(encoding="utf-8").splitlines(), "the outline changed; this file says how to keep it"
