"""The first span of a service in a trace, which should say what the whole request was about."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

__all__ = ["mark_root", "note_parent", "set_once"]

# Span → the first span above it in this process. A first span is not its own key: its value would keep it for ever.
_roots: WeakKeyDictionary[Span, Span] = WeakKeyDictionary()
_lock = threading.Lock()


def note_parent(span: Span, parent: Span) -> None:
    """Remembers the first span above `span`, whose parent in this process is `parent`."""
    with _lock:
        _roots[span] = _roots.get(parent, parent)


def mark_root(span: Span, attributes: Mapping[str, str]) -> None:
    """Sets attributes on the first span above `span`, where they are the first ones there."""
    with _lock:
        root = _roots.get(span)
    if root is not None and root.is_recording():
        set_once(root, attributes)


def set_once(root: Span, attributes: Mapping[str, str]) -> None:
    """Sets what is not there yet. Where another id stands, the span is about several units, and so about none.

    An attribute cannot be taken back, so its value becomes empty, which a contract reads as absent.
    """
    present: Mapping[str, Any] = getattr(root, "attributes", None) or {}
    about_other = present.get("unit.type", attributes.get("unit.type")) != attributes.get("unit.type")
    for key, value in attributes.items():
        if about_other and key in {"unit.type", "unit.id"}:
            continue
        if key not in present:
            root.set_attribute(key, value)
        elif present[key] != value:
            root.set_attribute(key, "")
