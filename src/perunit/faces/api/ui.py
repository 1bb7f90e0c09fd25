"""The web app as built. Enters: a path that no door has. Leaves: an asset, or the page, which reads the path itself."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["BUILD", "pages"]

BUILD = Path(str(files("perunit").joinpath("ui")))

# An asset's name changes with what is in it, so a browser need never ask again; the page names the assets.
_FOR_EVER, _ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
# Nearly as small as the most, in a third of the time.
_COMPRESSION = 6
# What programs ask for: a path that is missing there is a problem, not a page.
_NO_PAGES = ("api/", "v1/", "metrics", "healthz", "readyz", "assets/")
_NO_PAGE_SUFFIXES = frozenset({".js", ".css", ".map", ".json", ".php"})


def pages(build: Path = BUILD) -> ASGIApp:
    """Answers what no door does, from the files of a `build`; 404 where there is none."""
    built = _built(build)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path = _file(scope, built)
        lasting = _FOR_EVER if path.startswith("assets/") else _ASK_AGAIN
        await FileResponse(built[path], headers={"Cache-Control": lasting})(scope, receive, send)

    # Answers of the API are small or streamed; compressed, some would tell a secret by their length (BREACH).
    return GZipMiddleware(answer, compresslevel=_COMPRESSION)


def _built(build: Path) -> dict[str, Path]:
    """Every file of the build by its path: nothing else can be asked for, whatever a path says."""
    return {path.relative_to(build).as_posix(): path for path in sorted(build.rglob("*")) if path.is_file()}


def _file(scope: Scope, built: dict[str, Path]) -> str:
    """Which file a request is answered with; raises HTTPException where it is none."""
    path = scope["path"].removeprefix("/")
    if scope["method"] not in {"GET", "HEAD"} or "index.html" not in built:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    if path in built:
        return str(path)
    if path.startswith(_NO_PAGES) or PurePosixPath(path).suffix in _NO_PAGE_SUFFIXES:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return "index.html"
