"""A broker for all tests of this folder that need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.live.broker import Broker, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker shared by tests, each of which has topics of its own."""
    with running(tmp_path_factory.mktemp("broker")) as found:
        yield found
