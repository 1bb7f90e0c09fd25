"""Which facts are asked for, as lists of values. Enters: ``region:eu,us``. Leaves: a condition with bound values.

A value is percent-encoded where it has a comma or a percent sign; an empty one means that none is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from perunit.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Filter", "bound", "parse_filter"]

_VALUES_MAX = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """Only facts whose value of `dimension` is one of `values`, or is none of them; None stands for no known value."""

    dimension: str
    values: tuple[str | None, ...]
    excludes: bool = False

    def __str__(self) -> str:
        """As it is written.

        >>> str(Filter("region", ("eu", "a,b", None), excludes=True))
        'region!:eu,a%2Cb,'
        """
        values = ",".join("" if value is None else quote(value, safe=" /:@+=-") for value in self.values)
        return f"{self.dimension}{'!' if self.excludes else ''}:{values}"

    def sql(self, column: str, place: int) -> str:
        """The condition on `column`; its values are bound as ``$filter_<place>_<number>``."""
        names = [f"${name}" for name in self._names(place)]
        found = f"coalesce({column} IN ({', '.join(names)}), {str(None in self.values).lower()})"
        if not names:
            found = f"({column} IS NULL)" if self.values else "false"
        return f"NOT {found}" if self.excludes else found

    def bound(self, place: int) -> dict[str, str]:
        """What `sql` binds."""
        return dict(zip(self._names(place), (value for value in self.values if value is not None), strict=True))

    def _names(self, place: int) -> list[str]:
        return [f"filter_{place}_{number}" for number in range(sum(value is not None for value in self.values))]


def bound(filters: Iterable[Filter]) -> dict[str, str]:
    """What the conditions of several filters bind, each at its place."""
    return {name: value for place, each in enumerate(filters) for name, value in each.bound(place).items()}


def parse_filter(text: str) -> Filter:
    """The filter that a person or a link has written.

    >>> parse_filter("plan!:pro,team")
    Filter(dimension='plan', values=('pro', 'team'), excludes=True)
    """
    name, colon, written = text.partition(":")
    dimension = name.removesuffix("!").strip()
    if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"filter: got {text!a}, must be readable text; remove the stray character")
    if not colon or not dimension:
        raise UsageError(f"filter: got {text!r}, must be dimension:value,value or dimension!:value; write it so")
    try:
        values = tuple(dict.fromkeys(unquote(part, errors="strict") or None for part in written.split(",")))
    except UnicodeDecodeError as error:
        raise UsageError(f"filter: got {text!r}, must be percent-encoded UTF-8; encode its values so") from error
    if len(values) > _VALUES_MAX:
        raise UsageError(f"filter: got {len(values)} values of {dimension!r}, must be {_VALUES_MAX} at most; ask apart")
    return Filter(dimension, values, name.endswith("!"))
