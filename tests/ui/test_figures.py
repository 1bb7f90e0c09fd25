"""What the pages say is what the command line says for the same question, and an address says it again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from tests.ui.browsing import visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator
    from tests.faces.serving import Served

pytestmark = pytest.mark.slow

TODAY = datetime.now(UTC).date()
FROM, TO = (str(TODAY - timedelta(days=ago)) for ago in (8, 1))
SUFFIXES = {"k": 1_000, "K": 1_000, "M": 1_000_000}


def shown(text: str) -> tuple[Decimal, Decimal]:
    """The number in a text, and by how much its rounding may be off."""
    found = re.search(r"[-−]?[$€£]?([\d,]+)(?:\.(\d+))?\s*([kKM%])?", text)
    assert found, text
    whole, places, mark = found.groups()
    scale = Decimal(SUFFIXES.get(mark or "", 1)) / (100 if mark == "%" else 1)
    number = Decimal(f"{whole.replace(',', '')}.{places or 0}") * scale
    off = scale / (2 * 10 ** len(places or ""))
    return (-number if text.lstrip().startswith(("-", "−")) else number), off


def agrees(text: str, value: Any) -> bool:
    """Whether a text shows a value, as far as it is rounded."""
    if value is None:
        return text.strip() == "—"
    number, off = shown(text)
    return abs(number - Decimal(str(value))) <= off


def asked(served: Served, *words: str) -> list[dict[str, Any]]:
    """What `perunit query` answers for the window of these tests."""
    rows: list[dict[str, Any]] = served.ask("query", *words, "--from", FROM, "--to", TO)["rows"]
    return rows


def link(page: str, **chosen: str) -> str:
    """The address of a page on that window."""
    return f"{page}?{urlencode({'from': FROM, 'to': TO, 'compare': 'off', **chosen})}"


def test_every_tile_of_executive_is_its_measure(browser: Browser, served: Served, states: dict[str, Any]) -> None:
    """Each tile has the title of a measure and its total."""
    entries = {entry["title"]: entry["name"] for entry in served.ask("measures")}
    with visiting(browser, served, states["admin"]) as visit:
        page = visit.open(link("/executive"))
        tiles = page.locator(".pu-kpi")
        assert tiles.count() == 7
        for tile in tiles.all():
            title = tile.locator(".pu-kpi-title").inner_text().split(" ?")[0].split("\n")[0].strip()
            name = entries[title]
            (row,) = asked(served, name)
            assert agrees(tile.locator(".pu-kpi-value").inner_text(), row[name]), (title, row[name])


@pytest.mark.parametrize("dimension", ["plan", "region", "channel"])
def test_every_cell_of_the_segment_table_is_its_measure(
    browser: Browser, served: Served, states: dict[str, Any], dimension: str
) -> None:
    """In every row and column."""
    names = ("units", "revenue", "variable_cost", "contribution_margin", "revenue_per_unit", "cost_per_unit")
    names += ("contribution_margin_per_unit", "success_rate")
    expected = {row[dimension] or "unknown": row for row in asked(served, *names, "--by", dimension)}
    with visiting(browser, served, states["admin"]) as visit:
        page = visit.open(link("/executive", by=dimension))
        rows = page.get_by_role("table", name=f"Segments by {dimension}").locator("tbody tr")
        seen = {}
        for row in rows.all():
            segment = row.locator("th").inner_text().replace("▸", "").replace("▾", "").strip()
            seen[segment] = cells(row)
    assert set(seen) == set(expected)
    for segment, texts in seen.items():
        for name, text in zip(names, texts, strict=True):
            assert agrees(text, expected[segment][name]), (segment, name, text, expected[segment][name])


def cells(row: Locator) -> list[str]:
    """The texts of a row's figures."""
    return [cell.inner_text() for cell in row.locator("td").all()]


def test_filters_reach_every_figure(browser: Browser, served: Served, states: dict[str, Any]) -> None:
    """A filter in the address is in force before the first figure is asked for."""
    (row,) = asked(served, "units", "--where", "region = 'sa-east-1'")
    with visiting(browser, served, states["admin"]) as visit:
        page = visit.open(link("/executive", f="region:sa-east-1"))
        tile = page.locator(".pu-kpi").filter(has_text="Units").first
        assert agrees(tile.locator(".pu-kpi-value").inner_text(), row["units"])


@pytest.mark.parametrize("path", ["/executive", "/oncall", "/debug", "/units/order"])
def test_an_address_shows_the_same_again(browser: Browser, served: Served, states: dict[str, Any], path: str) -> None:
    """To somebody else, in another browser: headings, figures and rows."""
    address = link(path, f="plan:pro", by="region")
    outlines = []
    for _ in range(2):
        with visiting(browser, served, states["admin"]) as visit:
            page = visit.open(address)
            outlines.append(page.locator("main").aria_snapshot())
    assert outlines[0] == outlines[1]
    assert "heading" in outlines[0]
