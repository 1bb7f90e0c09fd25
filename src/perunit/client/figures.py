"""Reads figures from a perunit server, with exact numbers. Enters: questions. Leaves: answers, typed.

::

    perunit = Perunit("https://perunit.example", key="pu_…")
    for row in perunit.rows("contribution_margin", by="region", start="2026-09-01", end="2026-10-01"):
        print(row["region"], row["contribution_margin"])

What the server refuses is a `PerunitProblem`. Where it has too much to do (429, 503) a question is asked again.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

import urllib3

from perunit.client.decimals import exact_figures, exact_record
from perunit.client.problems import Unavailable, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import IO, Literal

    from perunit.client.answers import (
        AnnotationKept,
        Annotations,
        Charge,
        Explained,
        Figures,
        MeasureListed,
        Period,
        ProjectAnswer,
        Receipt,
        Reconciled,
        UnitLine,
    )

    Instant = str | date | datetime

__all__ = ["Perunit"]

_BUSY = frozenset({429, 503})
_WAIT_SECONDS_MAX = 30.0
_CHUNK_BYTES = 1 << 16


class Perunit:
    """One server, asked with one key. May be used by several threads.

    `url` and `key` are those of the environment variables ``PERUNIT_URL`` and ``PERUNIT_KEY`` where they are left out.
    """

    def __init__(
        self, url: str | None = None, key: str | None = None, *, timeout_seconds: float = 60.0, tries: int = 4
    ) -> None:
        self._url = (url or os.environ.get("PERUNIT_URL") or "http://127.0.0.1:8321").rstrip("/") + "/api/v1"
        self._key = key or os.environ.get("PERUNIT_KEY")
        self._tries = max(1, tries)
        timeout = urllib3.Timeout(connect=min(5.0, timeout_seconds), read=timeout_seconds)
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout, maxsize=8)

    def __enter__(self) -> Perunit:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._pool.clear()

    def project(self) -> ProjectAnswer:
        """What is measured there, its units and dimensions, and how fresh it is."""
        return cast("ProjectAnswer", self._get("/project", "ProjectAnswer"))

    def measures(self) -> list[MeasureListed]:
        """Every measure there is, and whether this key may ask for it."""
        return cast("list[MeasureListed]", self._get("/measures", "MeasureListed"))

    def query(self, *measures: str, limit: int | None = None, after: str | None = None, **asked: Any) -> Figures:
        """The answer to a question: one page of its rows, with all that it rests on.

        `asked`: `by` and `order` (a name or several), `start`, `end` and `as_of` (instants), `filters` (a text or
        several, such as ``region:eu-west-1``), `grain`, `unit`, `compare`, `compare_from`, `compare_to`, `currency`.
        """
        parameters = _parameters({"measure": measures, **asked, "limit": limit, "after": after})
        return cast("Figures", exact_figures(self._get("/query", "Figures", parameters)))

    def rows(self, *measures: str, **asked: Any) -> Iterator[dict[str, Any]]:
        """Every row of the answer to a question, page by page."""
        after: str | None = None
        while True:
            page = self.query(*measures, after=after, **asked)
            yield from page["rows"]
            if (after := page.get("next")) is None:
                return

    def explain(self, measure: str, **asked: Any) -> Explained:
        """All that one figure rests on: parts of its formula, facts, price books, freshness."""
        return cast("Explained", self._get("/explain", "Explained", _parameters({"measure": measure, **asked})))

    def receipt(self, unit_type: str, unit_id: str) -> Receipt:
        """The receipt of one unit."""
        return cast("Receipt", self._get(f"/units/{quote(unit_type, safe='')}/{quote(unit_id, safe='')}", "Receipt"))

    def units(self, unit_type: str, **asked: Any) -> Iterator[UnitLine]:
        """Units one by one, in an `order` such as ``margin`` (those that lose most first), page by page."""
        path = f"/units/{quote(unit_type, safe='')}"
        for each in self._pages(path, "Units", "units", asked):
            yield cast("UnitLine", each)

    def export(
        self, to: IO[bytes], *measures: str, format: Literal["csv", "parquet", "arrow"] = "csv", **asked: Any  # noqa: A002
    ) -> int:  # fmt: skip
        """Writes the whole answer to a question as a file; how many bytes it has."""
        parameters = _parameters({"measure": measures, **asked, "format": format})
        answer = self._ask("GET", "/export", parameters, stream=True)
        size = 0
        try:
            for chunk in answer.stream(_CHUNK_BYTES):
                size += to.write(chunk)
        finally:
            answer.release_conn()
        return size

    def reconciliation(self, period: str | None = None, *, variance: bool = False, **asked: Any) -> Reconciled:
        """A billing period (``2026-09``; the last one by default): tie-out, scores, bridge, variances, decisions."""
        said = {"period": period, "variance": "true" if variance else None, **asked}
        return cast("Reconciled", self._get("/reconciliation", "Reconciled", _parameters(said)))

    def periods(self) -> list[Period]:
        """Every billing period, and whether it ties out."""
        return cast("list[Period]", self._get("/reconciliation/periods", "Periods")["periods"])

    def charges(self, period: str | None = None, *, unmatched: bool = False) -> Iterator[Charge]:
        """Lines of bills, or only those that no one bears, page by page."""
        said = {"period": period, "unmatched": "true" if unmatched else None}
        for each in self._pages("/charges", "Charges", "charges", said):
            yield cast("Charge", each)

    def annotations(self, start: Instant | None = None, end: Instant | None = None, **asked: Any) -> Annotations:
        """What happened between two instants."""
        said = _parameters({"start": start, "end": end, **asked})
        return cast("Annotations", self._get("/annotations", "Annotations", said))

    def annotate(
        self,
        kind: Literal["deployment", "flag", "incident", "price_change", "note"],
        title: str,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
        text: str = "",
        segments: Mapping[str, str] | None = None,
        url: str | None = None,
        key: str | None = None,
    ) -> AnnotationKept:
        """Notes what happened. The same `key`, or the same kind, title and start, is the same annotation.

        So it may be sent again; without either, a question that got no answer is not asked twice.
        """
        said = {"kind": kind, "title": title, "text": text, "segments": dict(segments or {}), "url": url}
        body = said | {"start": start and _written(start), "end": end and _written(end)}
        headers = {"idempotency-key": key} if key else {}
        sure = key is not None or start is not None
        answer = self._ask("POST", "/annotations", [], body=body, headers=headers, again=sure)
        return cast("AnnotationKept", exact_record("AnnotationKept", json.loads(answer.data)))

    def _get(self, path: str, record: str, parameters: list[tuple[str, str]] | None = None) -> Any:
        return exact_record(record, json.loads(self._ask("GET", path, parameters or []).data))

    def _pages(self, path: str, record: str, items: str, asked: Mapping[str, Any]) -> Iterator[Any]:
        after: str | None = None
        while True:
            page = self._get(path, record, _parameters({**asked, "after": after}))
            yield from page[items]
            if (after := page["next"]) is None:
                return

    def _ask(
        self,
        method: str,
        path: str,
        parameters: list[tuple[str, str]],
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        again: bool = True,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """A good answer; raises PerunitProblem for any other, after as many tries as there are."""
        url = f"{self._url}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
        sent = {"accept": "application/json", **(headers or {})}
        sent |= {"authorization": f"Bearer {self._key}"} if self._key else {}
        sent |= {} if body is None else {"content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        for left in reversed(range(self._tries)):
            try:
                answer = self._pool.request(
                    method, url, body=content, headers=sent, redirect=False, preload_content=not stream
                )
            except urllib3.exceptions.HTTPError as error:
                if not (left and again):
                    raise Unavailable(0, "No answer", f"{self._url}: {type(error).__name__}: {error}") from error
                time.sleep(_pause(self._tries - left, None))
                continue
            if 200 <= answer.status < 300:
                return answer
            said = answer.read() if stream else answer.data
            # Who is told 429 or 503 has had nothing done.
            if not (left and answer.status in _BUSY):
                raise problem_of(answer.status, said)
            time.sleep(_pause(self._tries - left, answer.headers.get("retry-after")))
        raise AssertionError("the last try answers or raises")


def _pause(tried: int, asked: str | None) -> float:
    """Seconds until the next try: what the server asks for, else twice as long each time."""
    seconds = float(asked) if asked and asked.isdigit() else 0.25 * 2.0**tried
    return min(seconds, _WAIT_SECONDS_MAX)


_NAMES = {"start": "from", "end": "to", "filters": "filter"}


def _parameters(asked: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Parameters as the API names them; several values of one are repeated."""
    return [
        (_NAMES.get(name, name), _written(each))
        for name, value in asked.items()
        if value is not None
        for each in (_each(value))
    ]


def _each(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple, set, frozenset)) else (value,)


def _written(value: Any) -> str:
    """An instant as RFC 3339, anything else as it is. A time without a zone is refused: whose would it be?"""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; give it one")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)
