"""Writes ``web/src/api/schema.d.ts`` and ``perunit/client/answers.py``; ``--check`` says whether they are current."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI

from perunit import __version__
from perunit.faces.api import v1
from perunit.faces.api.types.python import typed_dicts
from perunit.faces.api.types.shapes import operations_of
from perunit.faces.api.types.typescript import typescript

__all__ = ["generated", "main"]

_PACKAGE = Path(__file__).parents[3]
_ROOT = _PACKAGE.parents[1]
_TYPESCRIPT, _PYTHON = _ROOT / "web/src/api/schema.d.ts", _PACKAGE / "client/answers.py"


def generated() -> dict[Path, str]:
    """File → what it must hold."""
    operations, records = operations_of(_description())
    return {_TYPESCRIPT: typescript(operations, records), _PYTHON: typed_dicts(operations, records)}


def _description() -> dict[str, Any]:
    """The API's description; its routes are made on a perunit that is not running."""
    from perunit.contract.read import read_project
    from perunit.faces.cli.init import write_project
    from perunit.live.meters import Meters
    from perunit.live.service import Service
    from perunit.model.window import system_clock

    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder), "ecommerce")
        project = read_project(Path(folder))
        service = Service(project, cast("Any", None), system_clock, Meters())
        app = FastAPI(title="perunit", version=__version__)
        app.include_router(v1.router(service))
        return app.openapi()


def main(words: list[str]) -> int:
    """0 where the files are written or current, 1 where ``--check`` finds one that is not."""
    files = generated()
    if words != ["--check"]:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        sys.stderr.write(f"{path}: is not what the routes say; run python -m perunit.faces.api.types\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
