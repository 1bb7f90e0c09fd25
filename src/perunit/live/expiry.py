"""Ends what has been kept long enough, while perunit runs. Enters: the clock. Leaves: less text, and an entry."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from perunit.access.permit import OWNER, Viewer
from perunit.facts.privacy.expiry import ended, expire
from perunit.live.repeating import Repeating

if TYPE_CHECKING:
    from perunit.live.service import Service

__all__ = ["Expiry", "loops"]

_EVERY_SECONDS = 3_600.0
_FAILED = "what is past its retention could not be ended"
_ITSELF = Viewer(None, "perunit", None, OWNER, "owner")
_log = logging.getLogger(__name__)


class Expiry(Repeating):
    """A loop that looks once an hour."""

    def __init__(self, service: Service, every_seconds: float = _EVERY_SECONDS) -> None:
        super().__init__(self._expire, every_seconds, name="expiry", log=_log, failed=_FAILED)
        self._service = service

    def _expire(self) -> None:
        intake, now = self._service.intake, self._service.clock()
        contract = intake.project.contract
        due = intake.run(lambda engine: ended(engine, contract, now)).result()
        if any(due.values()):
            with self._service.audit.about(_ITSELF, "expire", "retention", due):
                intake.run(lambda engine: expire(engine, contract, now)).result()


def loops(service: Service) -> tuple[Expiry, ...]:
    """It, where the contract says for how long anything is kept."""
    ages = service.intake.project.contract.retention
    return (Expiry(service),) if ages.quarantine or ages.identities else ()
