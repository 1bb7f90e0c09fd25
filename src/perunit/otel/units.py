"""What the work at hand is about: unit ids as W3C baggage and as attributes of the current span."""

from __future__ import annotations

import functools
import inspect
import logging
import re
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from opentelemetry import baggage, trace
from opentelemetry.context import Context, attach, detach, get_current

from perunit.otel.roots import mark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token
    from types import TracebackType

__all__ = ["ID_CHARACTERS_MAX", "SEGMENT_PREFIX", "UNIT_PREFIX", "carried", "unit", "unit_attributes"]

UNIT_PREFIX, SEGMENT_PREFIX = "unit.", "segment."
ID_CHARACTERS_MAX = 256
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
# `unit.type` and `unit.id` say which of the units the work is about.
_TAKEN = frozenset({"type", "id"})
_ENTRIES_MAX = 32
_log = logging.getLogger("perunit.otel")

P = ParamSpec("P")
T = TypeVar("T")


class unit:  # noqa: N801 - used as a statement: with unit(order="o-1"):
    """Says within a block, or a decorated function, which units the work is about. The first one is what it is about.

    ``with unit(order="o-1", user="u-2", segments={"plan": "pro"}):`` sets the baggage ``unit.order``, ``unit.user``,
    ``unit.type`` (order), ``unit.id`` (o-1) and ``segment.plan``, which a propagator sends along to other services,
    and the same attributes on the current span and on the first span of this service. Spans started within get them
    from UnitSpanProcessor.

    An id is text of 1 to 256 printable characters, or what gives such text. None is passed over silently, for an id
    may not be known yet; any other id that cannot be carried is left out and logged, never cut or altered.
    """

    def __init__(self, *, segments: Mapping[str, object] | None = None, **ids: object) -> None:
        self._entries = _entries(ids, segments)
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> unit:
        """Sets baggage and attributes."""
        context = get_current()
        for key, value in self._entries.items():
            context = baggage.set_baggage(key, value, context)
        self._tokens.append(attach(context))
        mark(trace.get_current_span(), self._entries)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_back: TracebackType | None
    ) -> None:
        """Takes the baggage back; the span keeps its attributes."""
        detach(self._tokens.pop())

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """The function, plain or async but no generator, within the block; each call has a block of its own."""

        def block() -> unit:
            own = unit()
            own._entries = self._entries
            return own

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> object:
                with block():
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]  # a coroutine function has a coroutine as its T

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            with block():
                return function(*args, **kwargs)

        return called


def unit_attributes(context: Context | None = None) -> dict[str, str]:
    """The unit ids and segments of the current context as attributes: for a log record, an exemplar, a span link.

    ``logger.info("paid", extra=unit_attributes())``. Not for metric labels: an id has no bound.
    """
    found = {}
    for key, value in baggage.get_all(context).items():
        if key.startswith((UNIT_PREFIX, SEGMENT_PREFIX)) and (text := clean(value)) is not None:
            found[key] = text
            if len(found) == _ENTRIES_MAX:
                break
    return found


def carried(function: Callable[P, T]) -> Callable[P, T]:
    """`function` bound to the context of now, for a thread: ``pool.submit(carried(work), 1)``."""
    context = get_current()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        token = attach(context)
        try:
            return function(*args, **kwargs)
        finally:
            detach(token)

    return run


def clean(value: object) -> str | None:
    """An id as it can be carried through any header, or None."""
    try:
        text = str(value).strip()
    except Exception:  # noqa: BLE001 - whatever an object's own __str__ may raise is not the application's concern here
        return None
    carriable = 0 < len(text) <= ID_CHARACTERS_MAX and text.isprintable()
    return text if carriable else None


def _entries(ids: Mapping[str, object], segments: Mapping[str, object] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in ids.items():
        if (text := _checked("unit", name, value)) is not None:
            found[UNIT_PREFIX + name] = text
            found.setdefault("unit.type", name)
            found.setdefault("unit.id", text)
    for name, value in (segments or {}).items():
        if (text := _checked("segment", name, value)) is not None:
            found[SEGMENT_PREFIX + name] = text
    return found


def _checked(kind: str, name: object, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(name, str) or not _NAME.fullmatch(name) or (kind == "unit" and name in _TAKEN):
        _log.warning("%s %r left out: a name is lower case, as in perunit.yaml, and not type or id", kind, name)
        return None
    text = clean(value)
    if text is None:
        # The value itself may be personal, and is not logged.
        reason = f"must be 1 to {ID_CHARACTERS_MAX} printable characters; shorten it where it is made"
        _log.warning("%s %s left out: its value of type %s %s", kind, name, type(value).__name__, reason)
    return text
