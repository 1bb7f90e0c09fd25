"""``/quality``: how fresh, whole and steady the data is that comes in."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from perunit.access.permit import Permission
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.asking import window_of
from perunit.faces.api.v1.models import Amount, WindowAnswer  # noqa: TC001 - the models read it
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.measures.drift import drift
from perunit.measures.lag import fault_rates, lags
from perunit.measures.quality import broken_rules, delivered
from perunit.model.errors import UsageError
from perunit.model.plain import plain_value
from perunit.model.window import Window

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service

__all__ = ["router"]

_RESPONSES = problem_responses(400, 403, 422, 500, 503, 504)
_READ = [needs(Permission.QUALITY)]
_DAYS = 7
_RULES_MAX = 200
_BUCKETS_MAX = 2_000
From = Annotated[str | None, Query(alias="from", description="What came from then on; the last 7 days by default.")]
To = Annotated[str | None, Query(description="What came up to this instant, itself excluded.")]
Source = Annotated[str | None, Query(description="Only this source.", max_length=500)]


class Came(BaseModel):
    """What came of a source, of one who sent it, or on a day; or with by=rule, which rule was broken how often."""

    model_config = ConfigDict(extra="allow")

    source: str


class Quality(BaseModel):
    """As `perunit quality --json`."""

    by: Literal["source", "producer", "day", "rule"]
    window: WindowAnswer
    rows: list[Came]
    breaches: list[dict[str, Any]]


class Departed(BaseModel):
    """One field that departs from what was sent before, or from the contract."""

    source: str
    producer: str
    event_type: str
    field: str
    change: Literal["new", "vanished", "changed", "unknown", "missing"]
    before: list[str]
    after: list[str]
    seen: int
    rows: int
    first_seen: str | None
    last_seen: str | None


class DriftFound(BaseModel):
    """As `perunit quality --drift --json`."""

    drift: list[Departed]


class LagBucket(BaseModel):
    """Events that came at most so long after they happened, and longer than the bucket before."""

    up_to_seconds: int | None = Field(description="Null: longer than all.")
    events: int


class LagHistogram(BaseModel):
    """How long after they happened the events of a window came."""

    window: WindowAnswer
    source: str | None
    buckets: list[LagBucket]
    events: int


class RatesAt(BaseModel):
    """What came of a source in an hour or a day. `unpriced` is of usage that happened then."""

    bucket: str
    source: str
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    orphan: int
    late: int
    unpriced: int
    duplicate_rate: Amount | None
    rejected_rate: Amount | None
    orphan_rate: Amount | None
    late_rate: Amount | None
    rules: dict[str, int] = Field(description="Rule → rows that broke it.")


class Rates(BaseModel):
    """Rates over time, oldest first."""

    window: WindowAnswer
    grain: Literal["hour", "day"]
    rows: list[RatesAt]


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["quality"], responses=_RESPONSES)
    _counts(service, api)
    _over_time(service, api)
    return api


def _counts(service: Service, api: APIRouter) -> None:
    @api.get(
        "/quality", response_model=Quality, operation_id="readQuality", dependencies=_READ,
        summary="Freshness, counts and rates by source, producer, day or rule",
    )  # fmt: skip
    async def quality(
        request: Request,
        viewer: CurrentViewer,
        from_: From = None,
        to: To = None,
        by: Annotated[Literal["source", "producer", "day", "rule"], Query(description="What a row is of.")] = "source",
        source: Source = None,
    ) -> Response:
        """As `perunit quality --json`."""
        window, now = _window(service, from_, to), service.clock()

        def work(engine: Engine, contract: Contract) -> Any:
            rows: list[dict[str, Any]]
            if by == "rule":
                rows = broken_rules(engine, window, _RULES_MAX)
            else:
                rows = [asdict(row) | row.rates for row in delivered(engine, contract, window, by, now)]
            found = [row for row in rows if source in {None, row["source"]}]
            return plain_value({"by": by, "window": window, "rows": found, "breaches": []})

        # Freshness is told to the minute, so that a page asked twice has the same tag.
        question = f"quality {window} {by} {source!r} {now:%H:%M}"
        return await reading_of(service).respond(request, viewer, question, work)

    @api.get(
        "/quality/drift", response_model=DriftFound, operation_id="readDrift", dependencies=_READ,
        summary="Fields that are new, gone, changed, unknown or missing",
    )  # fmt: skip
    async def read_drift(
        request: Request, viewer: CurrentViewer, from_: From = None, source: Source = None
    ) -> Response:
        """As `perunit quality --drift --json`, compared with what was seen before `from`."""
        window, project = _window(service, from_, None), service.intake.project
        since = window.start
        assert since is not None  # noqa: S101 - a default was put in

        def work(engine: Engine, _: Contract) -> Any:
            return {
                "drift": [plain_value(row) for row in drift(engine, project, since) if source in {None, row.source}]
            }

        return await reading_of(service).respond(request, viewer, f"drift {since} {source!r}", work)


def _over_time(service: Service, api: APIRouter) -> None:
    @api.get(
        "/quality/lag", response_model=LagHistogram, operation_id="readLag", dependencies=_READ,
        summary="How long after they happened events came",
    )  # fmt: skip
    async def read_lag(
        request: Request, viewer: CurrentViewer, from_: From = None, to: To = None, source: Source = None
    ) -> Response:
        """Counts by bucket, of the events that came in the window."""
        window = _closed(service, _window(service, from_, to))

        def work(engine: Engine, _: Contract) -> Any:
            found = lags(engine, window, source)
            told = {"window": window, "source": source, "buckets": found, "events": sum(each.events for each in found)}
            return plain_value(told)

        return await reading_of(service).respond(request, viewer, f"lag {window} {source!r}", work)

    @api.get(
        "/quality/rates", response_model=Rates, operation_id="readRates", dependencies=_READ,
        summary="Duplicates, rejects by rule, orphans, late and unpriced over time",
    )  # fmt: skip
    async def read_rates(
        request: Request,
        viewer: CurrentViewer,
        from_: From = None,
        to: To = None,
        grain: Annotated[Literal["hour", "day"], Query(description="How time is cut.")] = "day",
    ) -> Response:
        """By source and hour or day."""
        window = _closed(service, _window(service, from_, to))
        assert window.start is not None  # noqa: S101 - it is closed
        assert window.end is not None  # noqa: S101
        buckets = (window.end - window.start) / timedelta(hours=1 if grain == "hour" else 24)
        if buckets > _BUCKETS_MAX:
            raise UsageError(
                f"grain: {buckets:.0f} buckets, must be at most {_BUCKETS_MAX:,}; ask for a shorter window"
            )

        def work(engine: Engine, contract: Contract) -> Any:
            found = fault_rates(engine, contract, window, grain)
            return plain_value({"window": window, "grain": grain, "rows": found})

        return await reading_of(service).respond(request, viewer, f"rates {window} {grain}", work)


def _window(service: Service, start: str | None, end: str | None) -> Window:
    """As the command line: the last seven days by default, from a whole hour on."""
    asked, now = window_of(start, end), service.clock()
    if start:
        return asked
    since = min(now, asked.end or now) - timedelta(days=_DAYS)
    return Window(since.replace(minute=0, second=0, microsecond=0), asked.end)


def _closed(service: Service, window: Window) -> Window:
    """With an end, the next whole minute, so that a page asked twice asks the same."""
    if window.end is not None:
        return window
    now = service.clock().replace(second=0, microsecond=0) + timedelta(minutes=1)
    assert window.start is not None  # noqa: S101 - a default was put in
    return Window(window.start, max(now, window.start))
