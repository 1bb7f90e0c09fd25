"""A loop that does the same again and again while perunit runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from perunit.live.intake import ClosedError
from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

__all__ = ["Repeating"]


class Repeating:
    """Calls `work` every so many seconds from `start` to `stop`, on a thread of its own.

    A PerunitError is logged with what `failed` says, and it is tried again; when the intake is closed it ends.
    """

    def __init__(
        self, work: Callable[[], None], every_seconds: float, *, name: str, log: logging.Logger, failed: str
    ) -> None:
        self._work, self._every, self._log, self._failed = work, every_seconds, log, failed
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"perunit-{name}", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends when what is under way is done."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(self._every):
            try:
                self._work()
            except ClosedError:
                return
            except PerunitError:
                self._log.warning("%s; trying again", self._failed, exc_info=True)
