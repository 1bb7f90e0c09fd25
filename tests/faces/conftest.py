"""What the tests of the command line share: a way to run it, and the small store of the measures' tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_STORE = Path(__file__).parents[1] / "measures" / "conftest.py"


def _small_store() -> Any:
    spec = importlib.util.spec_from_file_location("small_store", _STORE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["small_store"] = module
    spec.loader.exec_module(module)
    return module


_SMALL = _small_store()
store, till = _SMALL.store, _SMALL.till


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs one command line: (exit code, standard output, standard error)."""
    from perunit.faces.cli.main import main

    def command(*words: str) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return command
