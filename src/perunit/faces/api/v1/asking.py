"""Questions as parameters or as JSON. Enters: what a person or a page asks. Leaves: a query of the measures.

Both ways have the same names. A list may be given as a repeated parameter or with commas between; filters are repeated,
because commas stand between their values.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from perunit.facts.arrivals import DoorError
from perunit.measures.filters import parse_filter
from perunit.measures.periods import Compare
from perunit.measures.query import Query as Question
from perunit.model.errors import UsageError
from perunit.model.window import Grain, Window, parse_instant

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Asked", "AskedNow", "cursor", "cursor_values", "instant", "question_of", "window_of"]

ROWS_MAX = 10_000
_MEASURES_MAX = 30
_BY_MAX = 6


class Asked(BaseModel):
    """A question, as `POST /queries` takes it and as the parameters of `GET /query` make it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    measures: list[str] = Field(min_length=1, max_length=_MEASURES_MAX, description="Names of the catalogue.")
    unit: str | None = Field(None, description="Per which unit type; the contract's first by default.")
    by: list[str] = Field([], max_length=_BY_MAX, description="Dimensions to cut by.")
    grain: Grain = Field(Grain.TOTAL, description="How time is cut.")
    from_: str | None = Field(None, alias="from", description="From this instant on, RFC 3339 or a date (UTC).")
    to: str | None = Field(None, description="Up to this instant, itself excluded.")
    filters: list[str] = Field([], max_length=50, description="`dimension:value,value` or `dimension!:value`.")
    compare: Compare = Field(Compare.OFF, description="Which other period stands beside.")
    compare_from: str | None = Field(None, description="With compare=custom: its start.")
    compare_to: str | None = Field(None, description="With compare=custom: its end.")
    currency: str | None = Field(None, description="Amounts in this currency; the contract's by default.")
    order: list[str] = Field([], max_length=10, description="Columns to order by; `-column` for falling.")
    limit: int | None = Field(None, ge=1, le=ROWS_MAX, description="At most this many rows.")
    points_max: int | None = Field(
        None, ge=4, le=4_000, description="At most about this many rows of time; least and greatest values are kept."
    )

    def said(self) -> str:
        """The question as text; the same for the same question."""
        return json.dumps(self.model_dump(mode="json", by_alias=True, exclude_defaults=True), sort_keys=True)


def asked_now(
    measure: Annotated[list[str], Query(description="A measure; repeated, or with commas between.", min_length=1)],
    unit: Annotated[str | None, Query(description="Per which unit type; the contract's first by default.")] = None,
    by: Annotated[list[str], Query(description="Dimensions to cut by.")] = [],  # noqa: B006 - the framework copies it
    grain: Annotated[Grain, Query(description="How time is cut.")] = Grain.TOTAL,
    from_: Annotated[str | None, Query(alias="from", description="From this instant on.")] = None,
    to: Annotated[str | None, Query(description="Up to this instant, itself excluded.")] = None,
    filter: Annotated[list[str], Query(description="`dimension:value,value` or `dimension!:value`.")] = [],  # noqa: A002, B006
    compare: Annotated[Compare, Query(description="Which other period stands beside.")] = Compare.OFF,
    compare_from: Annotated[str | None, Query(description="With compare=custom: its start.")] = None,
    compare_to: Annotated[str | None, Query(description="With compare=custom: its end.")] = None,
    currency: Annotated[str | None, Query(description="Amounts in this currency.")] = None,
    order: Annotated[list[str], Query(description="Columns to order by; `-column` for falling.")] = [],  # noqa: B006
    limit: Annotated[int | None, Query(ge=1, le=ROWS_MAX, description="At most this many rows.")] = None,
    points_max: Annotated[
        int | None, Query(ge=4, le=4_000, description="At most about this many rows of time.")
    ] = None,
) -> Asked:
    """The question that the parameters ask."""
    measures, dimensions = _listed(measure), _listed(by)
    if not 1 <= len(measures) <= _MEASURES_MAX:
        raise UsageError(f"measure: got {len(measures)}, must be 1 to {_MEASURES_MAX} of them; ask apart")
    if len(dimensions) > _BY_MAX or len(filter) > 50 or len(order) > 10:
        raise UsageError(f"by: at most {_BY_MAX} dimensions, 50 filters and 10 columns to order by; ask for fewer")
    return Asked(
        measures=measures, unit=unit, by=dimensions, grain=grain, from_=from_, to=to, filters=filter,
        compare=compare, compare_from=compare_from, compare_to=compare_to, currency=currency, order=_listed(order),
        limit=limit, points_max=points_max,
    )  # fmt: skip


AskedNow = Annotated[Asked, Depends(asked_now)]


def _listed(words: list[str]) -> list[str]:
    return [name for word in words for name in (part.strip() for part in word.split(",")) if name]


def question_of(asked: Asked) -> Question:
    """The query of the measures; rows are limited by who answers, so that it can be said that there are more."""
    custom = asked.compare is Compare.CUSTOM
    return Question(
        measures=tuple(asked.measures),
        unit=asked.unit,
        by=tuple(asked.by),
        grain=asked.grain,
        window=window_of(asked.from_, asked.to),
        filters=tuple(parse_filter(text) for text in asked.filters),
        compare=asked.compare,
        compare_with=window_of(asked.compare_from, asked.compare_to, "compare_") if custom else None,
        currency=asked.currency,
        order=tuple(asked.order),
    )


def window_of(start: str | None, end: str | None, prefix: str = "") -> Window:
    """The window of two instants as written; raises UsageError where it cannot be."""
    first, last = instant(f"{prefix}from", start), instant(f"{prefix}to", end)
    if first is not None and last is not None and last <= first:
        raise UsageError(f"{prefix}to: got {end!r}, must lie after {prefix}from {start!r}; correct one of the two")
    return Window(first, last)


def instant(name: str, text: str | None) -> datetime | None:
    """The instant of a parameter; raises UsageError where it is none."""
    try:
        return parse_instant(text) if text else None
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name}: got {text!r}, must be an instant such as 2026-09-01 or 2026-09-01T14:00Z") from error


def cursor(*values: Any) -> str:
    """An opaque text that says where to go on."""
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def cursor_values(text: str) -> list[Any]:
    """What a cursor holds; raises a problem where it is none of ours."""
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, UnicodeError, RecursionError) as error:
        raise _bad_cursor(text) from error
    if not isinstance(values, list):
        raise _bad_cursor(text)
    return values


def _bad_cursor(text: str) -> DoorError:
    detail = f"after: got {text[:100]!r}, must be the `next` of an earlier answer; start without it"
    return DoorError(400, "Cannot be answered", detail)
