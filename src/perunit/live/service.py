"""What a running perunit is made of, handed to every door."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from perunit.access.audit import Audit
from perunit.live.intake import Limits
from perunit.store.control.database import ControlStore, in_memory

if TYPE_CHECKING:
    from perunit.contract.project import Project
    from perunit.live.intake import Intake
    from perunit.live.meters import Meters
    from perunit.model.window import Clock

__all__ = ["Service", "Settings", "is_loopback"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a running perunit behaves, beside what the contract says."""

    limits: Limits = field(default_factory=Limits)
    host: str = "127.0.0.1"
    grpc_port: int = 4317


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that doors, loops and the API share.

    `project` is as it was written when perunit started; a contract that was changed since is `intake.project`.
    """

    project: Project
    intake: Intake
    clock: Clock
    meters: Meters
    settings: Settings = field(default_factory=Settings)
    control: ControlStore = field(default_factory=in_memory)
    audit: Audit = field(init=False)

    def __post_init__(self) -> None:
        """Its audit stands in its control database."""
        object.__setattr__(self, "audit", Audit(self.control, self.clock))

    @property
    def doors_open(self) -> bool:
        """Whether anybody may send facts and scrape: without a key, where this machine alone can reach it."""
        said = self.project.contract.access.doors
        return said == "open" if said is not None else is_loopback(self.settings.host)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
