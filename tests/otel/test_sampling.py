"""What is kept of traces can be weighed: thresholds are stated, and critical segments are kept whole."""

from __future__ import annotations

import doctest
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

from perunit.facts.doors.otlp import TRACES, read_protobuf
from perunit.otel import ConsistentSampler, CriticalSampler, roots, sampling, unit
from perunit.otel.sampling import threshold_of

if TYPE_CHECKING:
    from collections.abc import Callable

CRITICAL = {"segment.plan": {"enterprise"}}
WHOLE = 1 << 56


def below(trace_id: int, *, sampled: bool, **entries: str) -> Context:
    """The context of a remote parent with a tracestate."""
    parent = SpanContext(
        trace_id,
        1,
        is_remote=True,
        trace_flags=TraceFlags(int(sampled)),
        trace_state=TraceState(list(entries.items())),
    )
    return set_span_in_context(NonRecordingSpan(parent))


@pytest.mark.parametrize(
    ("probability", "digits"),
    [(1 / 3, "aaab"), (0.1, "e666"), (0.5, "8"), (0.25, "c"), (1, "0"), (0.01, "fd70a"), (2**-56, "f" * 14)],
)
def test_thresholds_are_the_published_ones(probability: float, digits: str) -> None:
    """To four significant digits, as the collector's probabilistic sampler writes them."""
    assert threshold_of(probability) == int(digits.ljust(14, "0"), 16)


@given(st.floats(min_value=2**-40, max_value=1))
def test_a_weight_is_near_the_inverse_of_the_probability(probability: float) -> None:
    """Rounding to four digits moves the weight by less than one part in two thousand."""
    weight = WHOLE / (WHOLE - threshold_of(probability))
    assert weight * probability == pytest.approx(1, rel=1 / 2000)


def test_the_worked_examples() -> None:
    """The docstrings show thresholds and names."""
    assert [doctest.testmod(module) for module in (sampling, roots)] == [(0, 1), (0, 1)]


@pytest.mark.parametrize("probability", [0, -0.1, 1.1, float("nan")])
def test_a_probability_that_is_none_is_refused(probability: float) -> None:
    """At the start of the service, naming the value and the rule."""
    with pytest.raises(ValueError, match="must be above 0"):
        ConsistentSampler(probability)


@given(st.integers(min_value=1, max_value=(1 << 128) - 1), st.sampled_from([1, 0.5, 1 / 3, 0.1, 0.01]))
def test_a_root_is_decided_by_its_trace_id(trace_id: int, probability: float) -> None:
    """Kept where the last 56 bits reach the threshold; a kept span states the threshold, a dropped one nothing."""
    sampler = ConsistentSampler(probability)
    result = sampler.should_sample(None, trace_id, "root")
    kept = trace_id % WHOLE >= sampler.threshold
    assert (result.decision is Decision.RECORD_AND_SAMPLE) == kept
    digits = f"{sampler.threshold:014x}".rstrip("0") or "0"
    assert (result.trace_state or {}).get("ot") == (f"th:{digits}" if kept else None)


@given(st.integers(min_value=1, max_value=(1 << 128) - 1))
def test_rarer_samples_lie_within_commoner_ones(trace_id: int) -> None:
    """Consistent: what is kept at 1 in 10 is kept at 1 in 3 too."""
    kept = [
        ConsistentSampler(probability).should_sample(None, trace_id, "x").decision.is_sampled()
        for probability in (0.1, 1 / 3, 1)
    ]
    assert kept == sorted(kept)


def test_a_parents_threshold_is_handed_on() -> None:
    """Below a parent its threshold and other members stand, whatever this service's own probability is."""
    context = below(WHOLE - 1, sampled=True, ot="th:c;rv:ffffffffffffff;xx:1", vendor="a")
    result = ConsistentSampler(0.001).should_sample(context, WHOLE - 1, "child")
    assert result.decision.is_sampled()
    assert dict(result.trace_state or {}) == {"ot": "th:c;rv:ffffffffffffff;xx:1", "vendor": "a"}


def test_stated_randomness_decides() -> None:
    """A root that states its random value is decided by it and not by its trace id."""
    state = TraceState([("ot", "rv:00000000000001")])
    result = ConsistentSampler(0.5).should_sample(None, WHOLE - 1, "root", trace_state=state)
    assert not result.decision.is_sampled()
    assert dict(result.trace_state or {}) == {"ot": "rv:00000000000001"}


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("ot", ["", "th:", "th:zz", "th:123456789012345", "rv:1"])
def test_no_threshold_is_invented(sampled: bool, ot: str) -> None:
    """Below a parent without a readable threshold its decision stands, and the weight stays undefined."""
    context = below(5, sampled=sampled, **({"ot": ot} if ot else {"vendor": "a"}))
    result = ConsistentSampler(0.5).should_sample(context, 5, "child")
    assert result.decision.is_sampled() == sampled
    assert "th:" not in (result.trace_state or {}).get("ot", "")


def test_critical_segments_are_kept_with_weight_one(service: Callable[..., Any]) -> None:
    """Every span of the segment is exported with th:0, by baggage or by an attribute it is started with."""
    shop = service(CriticalSampler(CRITICAL, ALWAYS_OFF))
    for number in range(50):
        with unit(order=f"o-{number}", segments={"plan": "enterprise"}):
            shop.tracer.start_span(f"baggage-{number}").end()
        shop.tracer.start_span(f"attribute-{number}", attributes={"segment.plan": "enterprise"}).end()
        with unit(segments={"plan": "free"}):
            shop.tracer.start_span(f"free-{number}").end()
    found = shop.spans()
    assert len(found) == 100
    assert not any(name.startswith("free") for name in found)
    assert {span.context.trace_state["ot"] for span in found.values()} == {"th:0"}


def test_a_critical_span_below_a_dropped_one_is_kept() -> None:
    """What becomes critical late is kept from there on."""
    context = below(1, sampled=False, ot="rv:00000000000001")
    with unit(segments={"plan": "enterprise"}):
        from opentelemetry import baggage

        inside = baggage.set_baggage("segment.plan", "enterprise", context)
    result = CriticalSampler(CRITICAL, ConsistentSampler(0.1)).should_sample(inside, 1, "child")
    assert result.decision.is_sampled()
    assert (result.trace_state or {})["ot"] == "th:0;rv:00000000000001"


def test_two_services_keep_the_same_traces_and_state_their_weight(service: Callable[..., Any]) -> None:
    """Over real providers and headers the second service keeps exactly the first one's traces, th included."""
    first = service(CriticalSampler(CRITICAL, ConsistentSampler(1 / 3)))
    second = service(CriticalSampler(CRITICAL, ConsistentSampler(0.01)))
    ids = RandomIdGenerator()
    assert ids.is_trace_id_random()
    for _ in range(600):
        headers: dict[str, str] = {}
        with first.tracer.start_as_current_span("first"):
            propagate.inject(headers)
        second.tracer.start_span("second", context=propagate.extract(headers, Context())).end()
    kept = [(s.context.trace_id, s.context.trace_state["ot"]) for s in first.exporter.get_finished_spans()]
    also = [(s.context.trace_id, s.context.trace_state["ot"]) for s in second.exporter.get_finished_spans()]
    assert kept == also
    assert {ot for _, ot in kept} == {"th:aaab"}
    # 600 traces of which a third is kept: 200 ± 6 standard deviations of 11.5.
    assert 130 < len(kept) < 270


def test_perunit_reads_the_weight_that_the_sampler_states(service: Callable[..., Any]) -> None:
    """Through OTLP's own encoding: a tenth counts ten times but for its rounding, a critical span once."""
    shop = service(CriticalSampler(CRITICAL, ConsistentSampler(0.1)))
    while not shop.exporter.get_finished_spans():
        shop.tracer.start_span("sampled").end()
    with unit(order="o-1", segments={"plan": "enterprise"}):
        shop.tracer.start_span("critical").end()
    body = encode_spans(shop.exporter.get_finished_spans()).SerializeToString()
    rows = read_protobuf(TRACES, body)
    weights = dict(zip(rows["name"].to_pylist(), rows["weight"].to_pylist(), strict=True))
    assert weights["critical"] == 1
    assert weights["sampled"].quantize(Decimal("1e-7")) == Decimal("9.9993897")
