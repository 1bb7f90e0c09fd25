"""Checks what perunit.yaml says of privacy: what cannot keep an id secret is refused, not passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.contract.door_formats import COUNTED_FORMATS
from perunit.contract.expression import ExpressionError, parse
from perunit.contract.stripe import STRIPE

if TYPE_CHECKING:
    from perunit.contract.findings import Findings
    from perunit.contract.shape import Contract, Source

__all__ = ["check_privacy"]

_DROP = "or take the unit out of privacy.pseudonymize"


def check_privacy(contract: Contract, found: Findings) -> None:
    """The units must exist, and nothing may be configured that would store their raw ids."""
    secret = contract.privacy.pseudonymize
    for index, unit in enumerate(secret):
        path = ("privacy", "pseudonymize", index)
        found.known(path, unit, contract.units, "a unit type of the contract", "declare it under units")
    if not secret:
        return
    for name, source in contract.sources.items():
        if kept := _kept(source):
            rule = f"must not be used with privacy.pseudonymize: {kept}"
            found.fault(("sources", name, "format"), rule, f"take it out, {_DROP}")
    for name, link in contract.kafka.items():
        if link.topics:
            rule = "must not be read with privacy.pseudonymize: messages that are no facts are kept as they came"
            found.fault(("kafka", name, "topics"), rule, f"send over HTTP, {_DROP}")
    for index, line in enumerate(contract.allocation):
        if line.method == "direct" and line.unit in secret:
            rule = "must not name a pseudonymised unit: the bill's tags hold its raw id"
            found.fault(("allocation", index, "unit"), rule, f"allocate by usage, {_DROP}")


def _kept(source: Source) -> str | None:
    """Why rows of a source are stored before they are facts; None where they are not."""
    if source.format == STRIPE:
        return "Stripe's rows wait as they came for the charge they follow"
    if source.format in COUNTED_FORMATS:
        return "the labels of series are kept as they came"
    if source.format == "otlp_spans" and any(_waits(text) for text in source.expressions()):
        return "spans wait as they came for what trace[…] names"
    return None


def _waits(text: str) -> bool:
    try:
        return any(reference.root == "trace" for reference in parse(text).references)
    except ExpressionError:
        return False
