"""Whatever a request holds, each of its elements is accepted, refused with a reason, ignored, or waits: none fails."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.facts.doors import otlp_messages as messages
from tests.invariants.company import CONTRACT, Company, clock
from tests.live.test_otlp import SOURCES

from perunit import pipeline
from perunit.contract.shape import Contract
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.otlp import LOGS, METRICS, TRACES, Signal, read_message
from perunit.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Callable


TOGETHER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
def take(tmp_path: Any) -> Callable[[Signal, Any], None]:
    """Takes a request in, and checks that every element of it is accounted for."""
    everything = {name: {**source, "match": "true"} for name, source in SOURCES.items()}
    company = Company(tmp_path, Contract.model_validate(deepcopy(CONTRACT) | {"sources": everything}))
    pipeline.start(company.project(), company.engine, clock)
    feed = Feed(company.project(), company.engine, clock)
    sources = {"otlp_spans": "spans", "otlp_metrics": "points", "otlp_logs": "records"}

    def took(signal: Signal, request: Any) -> None:
        rows = read_message(signal, request)
        (found,) = feed.take_in([Arrival(sources[signal.format], rows, "otlp")])
        assert found.received == found.accepted + found.duplicate + found.conflict + found.rejected
        assert rows.num_rows == found.received + found.ignored + found.waiting

    return took


@settings(max_examples=15, deadline=None, suppress_health_check=TOGETHER)
@given(request=messages.trace_requests())
def test_any_spans(take: Callable[[Signal, Any], None], request: Any) -> None:
    """Spans with any ids, times and attributes."""
    take(TRACES, request)


@settings(max_examples=15, deadline=None, suppress_health_check=TOGETHER)
@given(request=messages.metric_requests())
def test_any_points(take: Callable[[Signal, Any], None], request: Any) -> None:
    """Points with any numbers and times, of any kind."""
    take(METRICS, request)


@settings(max_examples=15, deadline=None, suppress_health_check=TOGETHER)
@given(request=messages.log_requests())
def test_any_records(take: Callable[[Signal, Any], None], request: Any) -> None:
    """Records with any bodies."""
    take(LOGS, request)
