"""Takes the pictures of the docs: `make pictures`. Enters: a demo's company. Leaves: docs/images/*.png.

With a folder named, every page in every look is left there instead, to be looked at.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path

from tests.faces.serving import serving
from tests.ui.browsing import PAGES, SIZES, THEMES, Visit, chromium, signed_in, visiting
from tests.ui.conftest import demo_project

__all__ = ["main"]

_TALL_MAX = 6000
_KEPT = (("light", "wide"), ("dark", "narrow"))
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
                        visit.open(path)
                        _take(visit, out / f"{name}-{theme}-{size}.png", SIZES[size][0])
            served.stop()


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
