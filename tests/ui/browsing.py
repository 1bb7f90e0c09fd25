"""A real browser on a real server: how the tests of the pages, and the pictures in the docs, look at them."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from perunit.faces.cli.demo_serve import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, Request
    from tests.faces.serving import Served

__all__ = ["CHROMIUM", "PAGES", "ROLES", "SIZES", "THEMES", "Visit", "chromium", "signed_in", "visiting"]

CHROMIUM = shutil.which("chromium")
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--force-color-profile=srgb"),
)
ROLES = ("viewer", "product", "oncall", "engineer", "finance", "executive", "admin")
THEMES = ("light", "dark")
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
# Every page by the name of its picture.
PAGES = {
    "executive": "/executive",
    "oncall": "/oncall",
    "debug": "/debug",
    "units": "/units/order",
    "receipt": "/units/order/o-100000000",
    "reconciliation": "/reconciliation",
    "prices": "/prices",
    "price-book": "/prices/models",
    "quality": "/quality",
    "contract": "/contract",
    "admin": "/admin",
}
_AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def signed_in(browser: Browser, served: Served, name: str) -> dict[str, Any]:
    """The cookies of an account, from its name and password on the page that asks for them."""
    context = browser.new_context(base_url=served.address)
    try:
        answer = context.request.post(
            "/api/v1/session", data={"name": name, "password": PASSWORD}, headers={"Origin": served.address}
        )
        assert answer.ok, answer.text()
        return dict(context.storage_state())
    finally:
        context.close()


@dataclass
class Visit:
    """One page open in a browser, with what it asked for and complained of."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    unanswered: set[Request] = field(default_factory=set)

    def open(self, path: str) -> Page:
        """Goes there and waits until every figure is shown."""
        self.page.goto(f"{self.address}{path}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Waits until nothing is loading any more: neither a figure nor what is drawn upon it later."""
        self.page.locator("main h1").first.wait_for(timeout=20_000)
        self._shown()
        until = time.monotonic() + 20
        while self.unanswered and time.monotonic() < until:
            self.page.wait_for_timeout(20)
        assert not self.unanswered, [request.url for request in self.unanswered]
        # Answered is not yet drawn.
        self.page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn())))")
        self._shown()

    def _shown(self) -> None:
        self.page.locator("[aria-busy=true], .pu-skeleton").first.wait_for(state="detached", timeout=20_000)
        self.page.evaluate("document.fonts.ready.then(() => null)")

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 A and AA: rule, how bad, where."""
        # Through the debugger, which the page's content policy does not bind.
        self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        )["violations"]
        return [
            f"{each['id']} ({each['impact']}): {json.dumps(node['target'])} {node['failureSummary']}"
            for each in found
            for node in each["nodes"]
        ]

    def overflow(self) -> int:
        """By how many CSS pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@contextmanager
def visiting(
    browser: Browser, served: Served, state: Any = None, theme: str = "light", size: str = "wide", **context: Any
) -> Iterator[Visit]:
    """A window of a size and theme, with the cookies of `state`."""
    width, height = SIZES[size]
    opened: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        storage_state=state,
        timezone_id="UTC",
        locale="en-GB",
        **context,
    )
    try:
        page = opened.new_page()
        visit = Visit(page, served.address)
        page.on("console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", lambda request: _note(visit, request))
        page.on("requestfinished", lambda request: visit.unanswered.discard(request))
        page.on("requestfailed", lambda request: visit.unanswered.discard(request))
        yield visit
    finally:
        opened.close()


def _note(visit: Visit, request: Request) -> None:
    # What is pushed has no end.
    if request.resource_type != "eventsource":
        visit.unanswered.add(request)
    parts = urlsplit(request.url)
    if parts.scheme in {"http", "https", "ws", "wss"} and f"{parts.scheme}://{parts.netloc}" != visit.address:
        visit.elsewhere.append(request.url)
