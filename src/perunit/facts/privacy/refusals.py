"""What is refused is kept as secret as facts are. Enters: `refusals`. Leaves: the same, hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.facts.privacy.pseudonyms import seal_texts
from perunit.facts.privacy.scanning import drop_texts

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.sealing import Sealer

__all__ = ["keep_secret"]


def keep_secret(engine: Engine, sealer: Sealer | None, *, scans: bool) -> None:
    """Seals the text of `refusals` where there are keys; leaves personal data out of it where there are none."""
    if sealer is not None:
        seal_texts(engine, sealer)
    elif scans:
        drop_texts(engine)
