"""What is remembered of each span while it lives: the first span of the service above it, and how attributes are named.

A unit that is said in the middle of a request is put on the span of then and on the first one, which began before.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

__all__ = ["mark", "note", "renamed"]

# Span → the first span above it in this process, None where it is the first itself (its own value would keep it for
# ever), and the names its processor was given.
_notes: WeakKeyDictionary[Span, tuple[Span | None, Mapping[str, str]]] = WeakKeyDictionary()
_lock = threading.Lock()
_UNKNOWN: tuple[Span | None, Mapping[str, str]] = (None, {})


def note(span: Span, parent: Span | None, names: Mapping[str, str]) -> None:
    """Remembers a span that starts; `parent` is the span above it in this process, where there is one."""
    with _lock:
        above = _notes.get(parent, _UNKNOWN)[0] if parent is not None else None
        _notes[span] = (above or parent, names)


def mark(span: Span, attributes: Mapping[str, str]) -> None:
    """Sets attributes on a span, and those on the first span above it that are the first ones there."""
    with _lock:
        root, names = _notes.get(span, _UNKNOWN)
    if span.is_recording():
        span.set_attributes(renamed(attributes, names))
    if root is not None and root.is_recording():
        _mark_root(root, attributes, names)


def renamed(attributes: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Attributes under the names they are to have; an empty name leaves one out.

    >>> renamed({"unit.order": "o-1", "unit.id": "o-1"}, {"unit.order": "order.id", "unit.id": ""})
    {'order.id': 'o-1'}
    """
    return {name: value for key, value in attributes.items() if (name := names.get(key, key))}


def _mark_root(root: Span, attributes: Mapping[str, str], names: Mapping[str, str]) -> None:
    """Sets what is not there yet. Where another id stands, the span is about several units, and so about none.

    An attribute cannot be taken back, so its value becomes empty, which a contract reads as absent.
    """
    present: Mapping[str, Any] = getattr(root, "attributes", None) or {}
    stated = present.get(names.get("unit.type", "unit.type"), attributes.get("unit.type"))
    # What the request is about stays what was said first; a unit of another type is only on it too.
    about = {} if stated == attributes.get("unit.type") else dict.fromkeys(("unit.type", "unit.id"), "")
    for name, value in renamed(attributes, {**names, **about}).items():
        if name not in present:
            root.set_attribute(name, value)
        elif present[name] != value:
            root.set_attribute(name, "")
