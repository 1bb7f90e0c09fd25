"""Takes the pictures of the docs: `make pictures`. Enters: a demo's company. Leaves: docs/images/*.png."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.faces.serving import serving
from tests.ui.browsing import PAGES, SIZES, THEMES, chromium, signed_in, visiting
from tests.ui.conftest import demo_project

__all__ = ["main"]

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def main(only: list[str]) -> None:
    """Every page, light and dark, wide and narrow, as an admin; or only those named."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as room, chromium() as browser:
        project = demo_project(Path(room), events=200_000)
        with serving(project) as served:
            state = signed_in(browser, served, "admin")
            for theme in THEMES:
                for size in SIZES:
                    with visiting(browser, served, state, theme, size) as visit:
                        for name, path in PAGES.items():
                            if not only or name in only:
                                visit.open(path)
                                visit.page.screenshot(path=IMAGES / f"{name}-{theme}-{size}.png", full_page=True)
            served.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
