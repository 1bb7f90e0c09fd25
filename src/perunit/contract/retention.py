"""What perunit.yaml says of how long text is kept that no sum needs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from perunit.contract.part import Part

__all__ = ["Retention", "days_of"]

Days = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}d$"), Field(examples=["30d"])]


class Retention(Part):
    """Ages in days, after which text goes; sums never do. Without one it is kept."""

    quarantine: Days | None = Field(None, description="Of the text of rows that wait; the row and its rule stay.")
    identities: Days | None = Field(None, description="Of sealed ids, after the last fact of their unit.")


def days_of(age: str) -> int:
    """How many days a valid age is.

    >>> days_of("30d")
    30
    """
    return int(age.removesuffix("d"))
