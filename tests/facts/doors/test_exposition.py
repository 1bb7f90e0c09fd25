"""Text of Prometheus exporters becomes rows: prometheus_client's own parsers and writers are the oracle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.exposition import OPENMETRICS, read_exposition

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

AT = 1_700_000_000_000_000


def rows(body: bytes, **how: Any) -> list[dict[str, Any]]:
    """The rows of an answer, their labels as dicts."""
    table = read_exposition(body, AT, **how)
    found = table.to_pylist()
    assert [row["position"] for row in found] == list(range(len(found)))
    return [{**row, "labels": dict(row["labels"])} for row in found]


def told(families: Iterable[Any]) -> list[tuple[str, dict[str, str], str]]:
    """What the library's parser found, without families' own grouping."""
    return [(each.name, each.labels, said(each.value)) for family in families for each in family.samples]


def found(body: bytes, **how: Any) -> list[tuple[str, dict[str, str], str]]:
    """What our parser found."""
    return [(row["metric"], row["labels"], said(float(row["value"]))) for row in rows(body, **how)]


def said(value: float) -> str:
    """A value as text, in which NaN equals NaN."""
    return "NaN" if math.isnan(value) else repr(float(value))


def test_every_sample_of_a_node_exporter_comes_out(shared_data: Path) -> None:
    """3,027 samples of 1,181 names, each with the labels and value that the library finds."""
    body = (shared_data / "prometheus-exposition" / "e2e-output.txt").read_bytes()
    ours = found(body)
    assert len(ours) == 3027
    assert len({metric for metric, _, _ in ours}) == 1181
    assert sorted(map(str, ours)) == sorted(map(str, told(parse_text(body.decode()))))


def test_every_file_of_cadvisor_comes_out_with_its_own_times(shared_data: Path) -> None:
    """Of cAdvisor, which writes its own timestamps in milliseconds."""
    for path in sorted((shared_data / "prometheus-exposition" / "cadvisor").iterdir()):
        body = path.read_bytes()
        ours = [(metric.removesuffix("_total"), *rest) for metric, *rest in found(body)]
        # The library gives every counter a name that ends in _total; Prometheus and perunit leave names alone.
        theirs = [(metric.removesuffix("_total"), *rest) for metric, *rest in told(parse_text(body.decode()))]
        assert sorted(map(str, ours)) == sorted(map(str, theirs)), path.name
    one = rows((shared_data / "prometheus-exposition" / "cadvisor" / "prometheus_machine_metrics").read_bytes())
    assert {str(row["time"]) for row in one} == {"2014-03-17 14:26:03", "2023-11-14 22:13:20"}


def registry() -> CollectorRegistry:
    """One metric of each kind, with what is hard to write."""
    kept = CollectorRegistry()
    Counter("orders", "placed", ["plan"], registry=kept).labels('a "b" \\ \n{x}').inc(3, {"trace_id": "abc,}"})
    Gauge("depth", "of the queue", registry=kept).set(-0.5)
    Gauge("empty", "nothing", registry=kept).set(math.nan)
    Gauge("full", "all", registry=kept).set(math.inf)
    Histogram("latency", "s", registry=kept).observe(0.3, {"trace_id": "def"})
    Summary("size", "bytes", registry=kept).observe(12)
    return kept


def test_what_the_client_library_writes_comes_out_in_both_formats() -> None:
    """Escapes, exemplars with braces, histograms, summaries, NaN and Inf."""
    text = generate_latest(registry())
    assert found(text) == told(parse_text(text.decode()))
    metrics = openmetrics.generate_latest(registry())
    ours = found(metrics, content_type=f"{OPENMETRICS}; version=1.0.0")
    assert ours == told(parse_openmetrics(metrics.decode()))
    assert ("orders_total", {"plan": 'a "b" \\ \n{x}'}, "3.0") in ours


NAME = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
LABELS = st.dictionaries(NAME, st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=4)
SERIES = st.tuples(NAME, LABELS, st.floats(), st.none() | st.integers(-(10**12), 10**12))


def written(series: list[tuple[str, dict[str, str], float, int | None]]) -> bytes:
    """Series in the text format."""
    lines = []
    for name, labels, value, milliseconds in series:
        pairs = ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{pairs}}} {value!r}" + (f" {milliseconds}" if milliseconds is not None else "") + "\n")
    return "".join(lines).encode()


def escaped(text: str) -> str:
    """A label value as it is written."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


@given(st.lists(SERIES, max_size=8))
def test_what_is_written_is_read(series: list[tuple[str, dict[str, str], float, int | None]]) -> None:
    """Any labels, values and times come back as they were, times in milliseconds."""
    expected = [(name, labels, said(value)) for name, labels, value, _ in series]
    assert found(written(series)) == expected
    times = read_exposition(written(series), AT)["time"].cast("int64").to_pylist()
    assert times == [AT if at is None else at * 1000 for *_, at in series]


def refusal(body: bytes, content_type: str) -> DoorError | None:
    """Why an answer is refused, if it is."""
    try:
        read_exposition(body, AT, content_type=content_type)
    except DoorError as error:
        return error
    return None


HOSTILE = st.text(st.sampled_from('ab{}="\\ \t\n,#1.eENaInf_:+-\x00é'), max_size=60)


@given(HOSTILE, st.sampled_from(["text/plain", OPENMETRICS]))
def test_no_text_does_more_than_be_refused(text: str, content_type: str) -> None:
    """Either rows, or a refusal that says what to mend; nothing else escapes."""
    for body in (text.encode(), f"{text}\n".encode(), f"{text}\n# EOF\n".encode()):
        refused = refusal(body, content_type)
        assert refused is None or (refused.status == 400 and ";" in refused.detail)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"up 1", "the end"),
        (b"up 1\nup{\n", "line 2"),
        (b"up\n", "line 1"),
        (b"up 0x10\n", "line 1"),
        (b"up1\n", "line 1"),
        (b'up{a="1",a="2"} 1\n', "line 1"),
        (b'up{a="1" b="2"} 1\n', "line 1"),
        (b"up{a=1} 1\n", "line 1"),
        (b"up 1 1.5\n", "line 1"),
        (b"up 1 1e99\n", "line 1"),
        (b"up \xff\n", "byte 3"),
    ],
)
def test_broken_text_is_refused_whole_and_says_where(body: bytes, place: str) -> None:
    """Half an answer would look like counters that fell, so none of it is taken."""
    with pytest.raises(DoorError, match=place):
        read_exposition(body, AT)


@pytest.mark.parametrize("body", [b"up 1\n", b"", b"up 1\n# EO", b"up 1\n# EOF\nup 2\n", b"up 1 # EOF\n"])
def test_openmetrics_must_end_with_its_end(body: bytes) -> None:
    """Without the line # EOF an answer may have been cut anywhere."""
    with pytest.raises(DoorError):
        read_exposition(body, AT, content_type=OPENMETRICS)


def test_openmetrics_times_are_seconds() -> None:
    """To the microsecond."""
    (row,) = rows(b"up 1 1700000000.123456\n# EOF\n", content_type=OPENMETRICS)
    assert str(row["time"]) == "2023-11-14 22:13:20.123456"


def test_a_target_gives_its_labels_and_those_in_the_way_are_kept() -> None:
    """As Prometheus does with honor_labels: false."""
    (one, other) = rows(b'up{job="own"} 1\nup 1\n', target={"job": "shop", "instance": "a:80"})
    assert one["labels"] == {"exported_job": "own", "job": "shop", "instance": "a:80"}
    assert other["labels"] == {"job": "shop", "instance": "a:80"}


def test_a_series_is_known_by_its_labels_in_any_order() -> None:
    """The key is that of the metric and the sorted labels; another value of any is another series."""
    keys = [row["series"] for row in rows(b'a{x="1",y="2"} 1\na{y="2",x="1"} 2\na{x="1",y="3"} 1\nb{x="1",y="2"} 1\n')]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
