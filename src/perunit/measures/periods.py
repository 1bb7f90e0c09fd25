"""Buckets of time and the periods figures are compared with. Enters: windows. Leaves: windows and buckets."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from perunit.model.errors import UsageError
from perunit.model.window import Grain, Window

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Compare", "Shift", "bucket_end", "bucket_of", "comparison", "one_before"]

_LENGTH = {Grain.MINUTE: timedelta(minutes=1), Grain.HOUR: timedelta(hours=1), Grain.DAY: timedelta(days=1)}
_WEEK = timedelta(days=7)


class Compare(StrEnum):
    """Which other period stands beside the one asked for."""

    OFF = "off"
    PREVIOUS = "previous"
    WEEK = "week"
    YEAR = "year"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Shift:
    """An earlier window, where a bucket of the later one lies in it (`back`), and the other way (`forth`)."""

    window: Window
    back: Callable[[datetime], datetime]
    forth: Callable[[datetime], datetime]


def bucket_of(instant: datetime, grain: Grain) -> datetime:
    """The start of the bucket that holds an instant; the total's bucket is not a time and has none."""
    start = instant.replace(second=0, microsecond=0)
    if grain is Grain.MINUTE:
        return start
    start = start.replace(minute=0)
    if grain is Grain.HOUR:
        return start
    start = start.replace(hour=0)
    return start.replace(day=1) if grain is Grain.MONTH else start


def bucket_end(bucket: datetime, grain: Grain) -> datetime:
    """The end of the bucket that starts at `bucket`, exclusive."""
    return _months_on(bucket, 1) if grain is Grain.MONTH else bucket + _LENGTH[grain]


def one_before(window: Window, grain: Grain) -> Shift:
    """The same buckets one step earlier; at grain total, the window of the same length just before."""
    if grain is Grain.TOTAL:
        return comparison(window, grain, Compare.PREVIOUS)
    if grain is Grain.MONTH:
        return _by_months(window, 1)
    return _by_length(window, _LENGTH[grain])


def comparison(window: Window, grain: Grain, compare: Compare, custom: Window | None = None) -> Shift:
    """The period to compare with: the one just before, whole weeks earlier, a calendar year earlier, or `custom`."""
    if compare is Compare.CUSTOM:
        return _to(window, grain, custom)
    if window.start is None or window.end is None:
        raise UsageError("--compare: an open window has no length to step back by; give --from and --to")
    if compare is Compare.YEAR:
        return _by_months(window, 12)
    length = window.end - window.start
    if compare is Compare.WEEK:
        return _by_length(window, _WEEK * -(-length // _WEEK))
    if grain is Grain.MONTH:
        return _by_months(window, _whole_months(window.start, window.end))
    return _by_length(window, length)


def _to(window: Window, grain: Grain, custom: Window | None) -> Shift:
    """Any window: what is compared are totals, or the buckets that lie as far from the start of both."""
    if custom is None or custom.start is None or custom.end is None:
        raise UsageError("--compare custom: needs a window of its own; give --compare-from and --compare-to")
    if grain is Grain.TOTAL:
        return Shift(custom, lambda bucket: bucket, lambda bucket: bucket)
    if window.start is None:
        raise UsageError("--compare custom: an open window has no start to count buckets from; give --from")
    if grain is Grain.MONTH:
        months = _whole_months(*sorted((custom.start, window.start)))
        months = months if custom.start <= window.start else -months
        return Shift(custom, lambda bucket: _months_on(bucket, -months), lambda bucket: _months_on(bucket, months))
    length = window.start - custom.start
    if length % _LENGTH[grain]:
        raise UsageError(
            f"--compare-from: must lie whole {grain}s from --from, so that buckets can be compared; move one of the two"
        )
    return Shift(custom, lambda bucket: bucket - length, lambda bucket: bucket + length)


def _whole_months(start: datetime, end: datetime) -> int:
    if bucket_of(start, Grain.MONTH) != start or bucket_of(end, Grain.MONTH) != end:
        raise UsageError(
            "--compare: at grain month windows must be whole months; "
            "start and end them on the first of a month, or use --grain day"
        )
    return (end.year - start.year) * 12 + end.month - start.month


def _by_length(window: Window, length: timedelta) -> Shift:
    earlier = Window(window.start and window.start - length, window.end and window.end - length)
    return Shift(earlier, lambda bucket: bucket - length, lambda bucket: bucket + length)


def _by_months(window: Window, months: int) -> Shift:
    earlier = Window(window.start and _months_on(window.start, -months), window.end and _months_on(window.end, -months))
    return Shift(earlier, lambda bucket: _months_on(bucket, -months), lambda bucket: _months_on(bucket, months))


def _months_on(instant: datetime, months: int) -> datetime:
    """The same day of another month, or that month's last day where it is shorter."""
    years, month = divmod(instant.month - 1 + months, 12)
    year = instant.year + years
    day = min(instant.day, calendar.monthrange(year, month + 1)[1])
    return instant.replace(year=year, month=month + 1, day=day)
