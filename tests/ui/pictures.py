"""Takes the pictures of the docs: `make pictures`. Enters: a demo's company. Leaves: docs/images/*.png.

With a folder named, every page in every look is left there instead, to be looked at.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from tests.faces.serving import serving
from tests.ui.browsing import PAGES, SIZES, THEMES, Visit, chromium, signed_in, visiting
from tests.ui.conftest import demo_project

__all__ = ["main"]

_TALL_MAX = 6000
_KEPT = (("light", "wide"), ("dark", "narrow"))
# Shown as they were when the company's last day ended, whatever hour the picture is taken; others tell what came when.
_OF_FACTS = frozenset({"executive", "oncall", "units", "receipt"})
_RANGES = {"debug": "/debug?range=7d"}
IMAGES = Path(__file__).parents[2] / "docs" / "images"


def main(folder: Path | None = None) -> None:
    """Every page as an administrator: wide in the light and narrow in the dark, or all four into `folder`."""
    out = folder or IMAGES
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as room, chromium() as browser:
        project = demo_project(Path(room), events=200_000)
        with serving(project) as served:
            state = signed_in(browser, served, "admin")
            for theme, size in product(THEMES, SIZES) if folder else _KEPT:
                with visiting(browser, served, state, theme, size) as visit:
                    for name, path in PAGES.items():
                        visit.page.clock.set_system_time(_last_facts() if name in _OF_FACTS else datetime.now(UTC))
                        visit.open(_RANGES.get(name, path))
                        _take(visit, out / f"{name}-{theme}-{size}.png", SIZES[size][0])
            served.stop()


def _last_facts() -> datetime:
    """The end of the company's last day."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(seconds=20)


def _take(visit: Visit, file: Path, width: int) -> None:
    """The whole page in a window as tall as it is: charts then have the size that a reader sees."""
    height = int(visit.page.evaluate("document.documentElement.scrollHeight"))
    visit.page.set_viewport_size({"width": width, "height": min(height, _TALL_MAX)})
    visit.settle()
    visit.page.wait_for_timeout(400)
    visit.page.screenshot(path=file)
    visit.page.set_viewport_size({"width": width, "height": 900})


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
