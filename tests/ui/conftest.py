"""What the tests of the pages share: a demo's company, served, with an account of every role, and one browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.faces.serving import Served, command, serving
from tests.ui.browsing import CHROMIUM, ROLES, chromium, signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests say so."""
    if CHROMIUM is None:
        for item in items:
            if "tests/ui/" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="no chromium here; apt-get install chromium"))


def demo_project(room: Path, events: int = 40_000) -> Path:
    """A demo's company that ends today, with an account of every role."""
    made = command("-C", str(room), "demo", "--no-serve", "--dir", "studio", "--events", str(events))
    assert made.returncode == 0, made.stderr
    return room / "studio"


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company's project."""
    return demo_project(tmp_path_factory.mktemp("ui"))


@pytest.fixture(scope="session")
def served(studio: Path) -> Iterator[Served]:
    """It served."""
    with serving(studio) as server:
        yield server
        assert server.stop() == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all of them."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def states(browser: Browser, served: Served) -> dict[str, Any]:
    """The cookies of each role."""
    return {role: signed_in(browser, served, role) for role in ROLES}
