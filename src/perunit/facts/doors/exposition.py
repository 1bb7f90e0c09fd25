"""What a Prometheus exporter answers becomes rows. Enters: text in Prometheus' format 0.0.4 or OpenMetrics 1.0.
Leaves: rows of the door format ``prometheus``.

Text that breaks the format is refused whole, as Prometheus does: half an answer would look like counters that fell.
HELP, TYPE and UNIT lines, and exemplars, say nothing of how much was used and are passed over.
Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and OpenMetrics 1.0, section "Text format".
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.samples import Samples
from perunit.facts.privacy.pseudonyms import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

__all__ = ["OPENMETRICS", "is_openmetrics", "read_exposition"]

OPENMETRICS = "application/openmetrics-text"

# Runs of characters are taken whole (possessive), so no line, however hostile, is tried in more than one way.
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_BRACES = rf"\{{((?:[^\"}}]|{_QUOTED})*+)\}}"
_NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_VALUE = rf"(?:{_NUMBER}|[+-]?(?:[Ii][Nn][Ff](?:[Ii][Nn][Ii][Tt][Yy])?|[Nn][Aa][Nn]))"
_EXEMPLAR = rf"[ \t]++#[ \t]++{_BRACES}[ \t]++{_VALUE}(?:[ \t]++{_NUMBER})?"
_LINE = re.compile(
    rf"[ \t]*+([a-zA-Z_:][a-zA-Z0-9_:]*+)[ \t]*+(?:{_BRACES})?[ \t]*+(?<![a-zA-Z0-9_:])({_VALUE})"
    rf"(?:[ \t]++({_NUMBER}))?(?:{_EXEMPLAR})?[ \t]*+"
)
_PAIR = rf"([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+({_QUOTED})[ \t]*+"
_PAIRS = re.compile(_PAIR)
_LABELS = re.compile(rf"[ \t]*+(?:{_PAIR}(?:,[ \t]*+{_PAIR})*+(?:,[ \t]*+)?)?")
_ESCAPE = re.compile(r'\\([\\"n])')
_ESCAPED = {"\\": "\\", '"': '"', "n": "\n"}

# A minute of an OpenMetrics answer has more digits than a double can hold; more than these are no time.
_TIME_DIGITS_MAX = 40


def is_openmetrics(content_type: str) -> bool:
    """Whether an answer says that it is OpenMetrics; anything else is read as Prometheus' own format.

    >>> is_openmetrics("application/openmetrics-text; version=1.0.0; charset=utf-8")
    True
    """
    return content_type.partition(";")[0].strip().lower() == OPENMETRICS


class _LineError(Exception):
    """A line that breaks the format: its number, what stands there, and the rule."""

    def __init__(self, number: int, got: str, rule: str) -> None:
        self.number, self.got, self.rule = number, got, rule
        super().__init__(rule)


def read_exposition(
    body: bytes,
    at_microseconds: int,
    *,
    content_type: str = "text/plain",
    target: Mapping[str, str] | None = None,
    hides: bool = False,
) -> pa.Table:
    """The samples of an answer in their order; those without a time of their own are of `at_microseconds` (Unix).

    `target` are labels of the target (job, instance); a label of the same name that the answer has is kept as
    ``exported_<name>``, as Prometheus does. Raises DoorError naming the line for text that breaks the format;
    what stands there is left out where it `hides` ids, because it goes to the log.
    """
    openmetrics = is_openmetrics(content_type)
    text = _text(body)
    _refuse_cut(text, openmetrics=openmetrics)
    try:
        return _read(text, at_microseconds, dict(target or {}), openmetrics=openmetrics)
    except _LineError as fault:
        got = HIDDEN if hides else repr(fault.got[:200])
        detail = f"line {fault.number}: {got}, {fault.rule}; correct the exporter"
    raise DoorError(400, "Not an exposition", detail)


def _read(text: str, at_microseconds: int, target: Mapping[str, str], *, openmetrics: bool) -> pa.Table:
    samples = Samples()
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#") or not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise _LineError(number, line, 'must be NAME{LABEL="VALUE",…} VALUE [TIME]')
        metric, labels, value, time = found[1], found[2], found[3], found[4]
        samples.open(metric, _labelled(_labels(labels, number), target) if labels or target else {})
        samples.add(at_microseconds if time is None else _microseconds(time, number, openmetrics=openmetrics), value)
    return samples.table()


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise DoorError(
            400, "Not an exposition", f"byte {error.start}: is no UTF-8; let the exporter write UTF-8"
        ) from error


def _refuse_cut(text: str, *, openmetrics: bool) -> None:
    """An answer cut short would end in a smaller number than was meant, and look like a counter that was reset."""
    if openmetrics and not f"\n{text}".removesuffix("\n").endswith("\n# EOF"):
        raise DoorError(400, "Not an exposition", "the end: must be the line # EOF; the answer was cut, ask again")
    if not openmetrics and text and not text.endswith("\n"):
        raise DoorError(400, "Not an exposition", "the end: must be a line feed; the answer was cut, ask again")


def _labels(text: str | None, number: int) -> dict[str, str]:
    if not text:
        return {}
    if _LABELS.fullmatch(text) is None:
        raise _LineError(number, text, 'must be NAME="VALUE" with commas between')
    pairs = _PAIRS.findall(text)
    labels = {name: _plain(quoted[1:-1]) for name, quoted in pairs}
    if len(labels) != len(pairs):
        raise _LineError(number, text, "must have each label once")
    return labels


def _plain(value: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED[found[1]], value) if "\\" in value else value


def _labelled(labels: dict[str, str], target: Mapping[str, str]) -> dict[str, str]:
    """The labels of a sample and its target."""
    kept = {f"exported_{name}" if name in target else name: value for name, value in labels.items()}
    return {**kept, **target}


def _microseconds(text: str, number: int, *, openmetrics: bool) -> int:
    """A sample's own time: milliseconds in Prometheus' format, seconds in OpenMetrics."""
    time = Decimal(text)
    if abs(time.adjusted()) > _TIME_DIGITS_MAX or (not openmetrics and time != time.to_integral_value()):
        raise _LineError(number, text, f"must be {'seconds' if openmetrics else 'whole milliseconds'} since 1970")
    return int(time * (1_000_000 if openmetrics else 1_000))
