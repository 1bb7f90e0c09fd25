"""What the tests of the HTTP doors share: one served project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faces.serving import Served, serving

from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on the template's shop, shared by the tests of a module."""
    project = tmp_path_factory.mktemp("shop")
    write_project(project, "ecommerce")
    with serving(project) as served:
        yield served
        assert served.stop() == 0
