"""What the tests of decisions share: a company with invoices that they may change, and the command line beside it."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from perunit.faces.cli.main import main
from perunit.live.loan import Loan
from perunit.wiring import LENDER

from .conftest import Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["office", "told"]


@contextmanager
def office(studio: Path, where: Path) -> Iterator[Running]:
    """A copy of the company with its invoices, running."""
    root = where / "office"
    shutil.copytree(studio, root)
    assert main(["-C", str(root), "--json", "bills", "import", *map(str, (root / "invoices").glob("*.csv"))]) == 0
    with running(root) as found:
        yield found


def told(running: Running, *words: str, code: int | None = 0) -> Any:
    """What a verb answers in JSON, done by the process that has the project open; `code` None: whatever it finds."""
    out = io.StringIO()
    lent = LENDER.set(Loan(running.service))
    try:
        with redirect_stdout(out):
            found = main(["-C", str(running.service.project.root), "--json", *words])
    finally:
        LENDER.reset(lent)
    assert code in {None, found}, out.getvalue()
    return json.loads(out.getvalue())
