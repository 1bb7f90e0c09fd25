"""An attempt: a block or a call that succeeds or fails and takes its time."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Attempt"]

P = ParamSpec("P")
T = TypeVar("T")
Data = Mapping[str, Any] | Callable[..., Mapping[str, Any]] | None


class Attempt:
    """See `Events.track`. One object is one attempt; as a decorator it makes one for each call."""

    def __init__(self, emit: Callable[[str, Mapping[str, Any]], object], type_: str, data: Data) -> None:
        self._emit, self._type, self._given = emit, type_, data
        self._data: dict[str, Any] = {}
        self._started = 0.0

    def __enter__(self) -> dict[str, Any]:
        """The event's data, to be added to within the block."""
        self._data = {} if callable(self._given) else dict(self._given or {})
        self._started = time.perf_counter()
        return self._data

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_back: TracebackType | None
    ) -> None:
        """Emits the attempt; the exception goes on its way."""
        self._data.setdefault("latency_ms", round((time.perf_counter() - self._started) * 1000, 3))
        self._data.setdefault("outcome", "success" if kind is None else "failure")
        if kind is not None:
            self._data.setdefault("error", kind.__name__)
        self._emit(self._type, self._data)

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """The function, plain or async, as an attempt each time it is called."""
        given = self._given

        def attempt(*args: P.args, **kwargs: P.kwargs) -> Attempt:
            return Attempt(self._emit, self._type, given(*args, **kwargs) if callable(given) else given)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> object:
                with attempt(*args, **kwargs):
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]  # a coroutine function has a coroutine as its T

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            with attempt(*args, **kwargs):
                return function(*args, **kwargs)

        return called
