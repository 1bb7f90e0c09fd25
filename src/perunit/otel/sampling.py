"""Sampling that can be undone by weights: consistent probabilities in the tracestate, critical segments kept whole.

The SDK's own composable samplers write exact thresholds, but `Tracer.start_span` gives a sampler no tracestate, so
that a parent's threshold is lost; here it is read from the parent's span context.
Source: OpenTelemetry, TraceState: Probability Sampling (`ot=th:…;rv:…`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from opentelemetry import baggage, trace
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import TraceState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanContext, SpanKind
    from opentelemetry.util.types import Attributes

__all__ = ["ConsistentSampler", "CriticalSampler", "threshold_of"]

_BITS = 56
_ALL, _DIGITS = 1 << _BITS, 14
_PRECISION = 4
_OT_CHARACTERS_MAX = 256


class ConsistentSampler(Sampler):
    """Samples traces with a probability and says it in the tracestate, so that each kept span has a weight.

    The decision follows the trace id, so all services with the same probability keep the same traces. Below a
    parent the parent's decision and threshold stand; where the parent was sampled without one, none is invented.
    `probability` is above 0 (at least 2**-56) and at most 1; raises ValueError otherwise.
    """

    def __init__(self, probability: float) -> None:
        self.probability = probability
        self.threshold = threshold_of(probability)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,  # noqa: ARG002 - the SDK's signature
        kind: SpanKind | None = None,  # noqa: ARG002
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Keeps a trace whose randomness is at least the threshold."""
        parent = _parent(parent_context)
        state = trace_state or (parent.trace_state if parent else None)
        if parent is None:
            return _decided(self.threshold <= _randomness(trace_id, state), state, self.threshold, attributes)
        threshold = _hex(_member(state, "th"))
        if threshold is None:
            return _decided(parent.trace_flags.sampled, state, None, attributes)
        return _decided(threshold <= _randomness(trace_id, state), state, threshold, attributes)

    def get_description(self) -> str:
        """``ConsistentSampler{e666}``."""
        return f"ConsistentSampler{{{_shown(self.threshold)}}}"


class CriticalSampler(Sampler):
    """Keeps every span of critical segments, with weight 1, and leaves the others to another sampler.

    ``CriticalSampler({"segment.plan": {"enterprise"}}, ConsistentSampler(0.1))``: `critical` maps a baggage key or an
    attribute the span is started with to the values that make it critical. Say the segment as early as it is known,
    at the edge: a span that started before is not kept by it.
    """

    def __init__(self, critical: Mapping[str, Collection[str]], others: Sampler) -> None:
        self._critical = {key: frozenset(values) for key, values in critical.items()}
        self._others = others

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Keeps a critical span whatever its parent's decision was."""
        if not self._is_critical(parent_context, attributes):
            return self._others.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        parent = _parent(parent_context)
        return _decided(True, trace_state or (parent.trace_state if parent else None), 0, attributes)

    def _is_critical(self, context: Context | None, attributes: Attributes) -> bool:
        given = attributes or {}
        return any(
            str(value) in values
            for key, values in self._critical.items()
            for value in (baggage.get_baggage(key, context), given.get(key))
            if value is not None
        )

    def get_description(self) -> str:
        """Which keys are critical, and who decides on the others."""
        return f"CriticalSampler{{{','.join(sorted(self._critical))};{self._others.get_description()}}}"


def threshold_of(probability: float) -> int:
    """The rejection threshold of a probability, of 2**56, to four significant hexadecimal digits.

    As the collector counts them: digits that a probability near 0 or near 1 begins with come on top.
    1/3 → aaab, weight 3.0000458; 1/10 → e666, weight 9.9993897.

    >>> [_shown(threshold_of(each)) for each in (1 / 3, 0.1, 1, 0.001, 0.999)]
    ['aaab', 'e666', '0', 'ffbe77', '004189']
    """
    if not 2**-_BITS <= probability <= 1:
        raise ValueError(f"probability == {probability!r}, must be above 0 (at least 2**-56) and at most 1")
    if probability == 1:
        return 0
    leading = max(-math.frexp(probability)[1], -math.frexp(1 - probability)[1], 0) // 4
    shift = 4 * (_DIGITS - min(_DIGITS, _PRECISION + leading))
    exact = _ALL - round(probability * _ALL)
    half = (1 << shift) >> 1
    return min((exact + half) >> shift << shift, _ALL - 1)


def _parent(context: Context | None) -> SpanContext | None:
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None


def _decided(sampled: bool, state: TraceState | None, threshold: int | None, attributes: Attributes) -> SamplingResult:
    """The result, its tracestate with the threshold of a sampled span, and with none otherwise."""
    kept = threshold if sampled else None
    decision = Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP
    return SamplingResult(decision, attributes if sampled else None, _with_threshold(state, kept))


def _with_threshold(state: TraceState | None, threshold: int | None) -> TraceState | None:
    text = state.get("ot", "") if state else ""
    members = [member for member in text.split(";") if member and not member.startswith("th:")]
    if threshold is not None:
        members.insert(0, f"th:{_shown(threshold)}")
    while len(";".join(members)) > _OT_CHARACTERS_MAX:
        members.pop()
    if members:
        return (state or TraceState()).update("ot", ";".join(members))
    return state.delete("ot") if state and text else state


def _member(state: TraceState | None, name: str) -> str:
    """One value of the tracestate's ``ot`` entry, empty where it is not there."""
    members = (state.get("ot", "") if state else "").split(";")
    return next((member[len(name) + 1 :] for member in members if member.startswith(f"{name}:")), "")


def _randomness(trace_id: int, state: TraceState | None) -> int:
    """56 random bits: those the root has stated, otherwise the last ones of the trace id."""
    stated = _member(state, "rv")
    value = _hex(stated) if len(stated) == _DIGITS else None
    return trace_id & (_ALL - 1) if value is None else value


def _hex(text: str) -> int | None:
    """Up to 14 hexadecimal digits, those left out at the end being zeros."""
    if not 0 < len(text) <= _DIGITS or not set(text) <= set("0123456789abcdef"):
        return None
    return int(text.ljust(_DIGITS, "0"), 16)


def _shown(threshold: int) -> str:
    return f"{threshold:0{_DIGITS}x}".rstrip("0") or "0"
