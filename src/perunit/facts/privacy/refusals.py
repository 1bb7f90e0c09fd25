"""What is refused before it is a row is kept as secret as rows are. Enters: `refusals`. Leaves: the same, hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.facts.privacy.agreement import sealer_of
from perunit.facts.privacy.pseudonyms import seal_texts
from perunit.facts.privacy.scanning import drop_texts

if TYPE_CHECKING:
    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine

__all__ = ["keep_secret"]


def keep_secret(engine: Engine, project: Project) -> None:
    """Seals the text of `refusals` where the project has keys; leaves personal data out of it where it has not."""
    if (sealer := sealer_of(project)) is not None:
        seal_texts(engine, sealer)
    elif project.contract.privacy.scan != "off":
        drop_texts(engine)
