"""Sends events to perunit from a Python service: batched, retried, at most stored once, and kept through an outage.

Enters: ``events.emit("order.completed", {"order_id": "o-1", "total": Decimal("12.30")})``. Leaves: CloudEvents 1.0,
POSTed to ``/v1/events`` of a perunit server by a thread of its own. ``emit`` never raises into the application.

`Perunit` reads figures, receipts and reconciliations from the same server.
"""

from perunit.client.events import Counters, Events
from perunit.client.figures import Perunit
from perunit.client.limits import Limits
from perunit.client.problems import Forbidden, NotFound, PerunitProblem, Unavailable
from perunit.client.spool import SpoolError
from perunit.client.transport import Problem

__all__ = [
    "Counters",
    "Events",
    "Forbidden",
    "Limits",
    "NotFound",
    "Perunit",
    "PerunitProblem",
    "Problem",
    "SpoolError",
    "Unavailable",
]
