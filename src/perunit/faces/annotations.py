"""An annotation as it is said, over HTTP or on the command line. Enters: words. Leaves: what is kept, or why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from perunit.model.errors import UsageError
from perunit.model.window import parse_instant
from perunit.store.control.annotations import Noted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from perunit.contract.shape import Contract

__all__ = ["noted_of"]

_URL = re.compile(r"https?://[^\s/@]+(/\S*)?")
_TITLE_MAX, _TEXT_MAX, _URL_MAX = 200, 5_000, 2_000


def noted_of(
    contract: Contract, now: datetime, *, kind: str, title: str, start: str | None, end: str | None,
    segments: Mapping[str, str], text: str, url: str | None,
) -> Noted:  # fmt: skip
    """The annotation; raises UsageError for what cannot be one."""
    began, ended = _instant("start", start) or now, _instant("end", end)
    if ended is not None and ended < began:
        raise UsageError(f"end: got {end!r}, must not lie before the start; correct one of the two")
    for name, value, most in (("title", title, _TITLE_MAX), ("text", text, _TEXT_MAX), ("url", url or "", _URL_MAX)):
        if len(value) > most:
            raise UsageError(f"{name}: has {len(value):,} characters, must have at most {most:,}; shorten it")
    if not title.strip():
        raise UsageError("title: is empty, must say what happened")
    if url is not None and _URL.fullmatch(url) is None:
        raise UsageError(f"url: got {url[:80]!r}, must be an http or https address without a user; correct it")
    for name in segments:
        if name not in contract.dimensions():
            known = ", ".join(contract.dimensions())
            raise UsageError(f"segments: got {name[:80]!r}, must be a dimension of the contract ({known}); correct it")
    return Noted(kind, title.strip(), began, ended, text, segments, url)


def _instant(name: str, text: str | None) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name}: got {text!r}, must be an instant such as 2026-09-01T14:00Z") from error
