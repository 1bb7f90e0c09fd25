"""The verdict says what a service emits beside what the contract says, with place, count, example and mend."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from perunit.conformance.captured import arrivals_of
from perunit.conformance.judge import expected_of, judge
from perunit.conformance.trial import trial
from perunit.model.errors import ConfigurationError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from perunit.conformance.report import Report

CONTRACT = """
version: 1
units:
  order: {owner: checkout, key: order_id, parent: user, segments: [plan]}
  user: {owner: growth, key: user_id}
events:
  order.completed:
    unit: order
    schema: schema.json
    outcome: success
    amounts: {revenue: data.total}
    usage: {cpu_seconds: data.cpu}
  user.joined: {unit: user}
sources:
  calls:
    format: otlp_spans
    match: "attributes['order.id'] is not null or name = 'call'"
    event:
      type: "'call'"
      units: {order: "attributes['order.id']"}
meters:
  cpu_seconds: {unit: s}
"""
SCHEMA = {
    "type": "object",
    "required": ["total"],
    "properties": {
        "order_id": {"type": "string"},
        "total": {"type": "number"},
        "cpu": {"type": "number"},
        "ship": {"type": "object"},
    },
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without data."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "perunit.yaml").write_text(CONTRACT, encoding="utf-8")
    (folder / "schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    return folder


@pytest.fixture
def check(project: Path) -> Callable[..., Report]:
    """Writes events (objects, or lines as they are) to a file and judges it."""

    def judged(*events: Any, expect: tuple[str, ...] = ("order.completed",), strict: bool = False) -> Report:
        path = project.parent / "captured.ndjson"
        lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
        path.write_text("\n".join(lines), encoding="utf-8")
        return judged_file(project, path, expect, strict=strict)

    return judged


def judged_file(project: Path, path: Path, expect: tuple[str, ...], *, strict: bool = False) -> Report:
    """The verdict on one file."""
    with trial(project) as on:
        on.take_in(arrivals_of(path, on.project.contract))
        on.finish()
        return judge(on, expected_of(on.project.contract, expect), strict=strict)


def order(id_: str = "e-1", **changes: Any) -> dict[str, Any]:
    """An event as the contract says; attributes are changed by name, data too."""
    attributes = {
        "specversion": "1.0", "id": id_, "source": "/shop", "type": "order.completed", "time": "2026-09-01T12:00:00Z"
    }  # fmt: skip
    data = {"order_id": "o-1", "user_id": "u-1", "plan": "pro", "total": "12.30", "cpu": 0.5}
    event: dict[str, Any] = {**attributes, "data": data}
    for name, value in changes.items():
        part = event if name in attributes else data
        part[name] = value
        if value is None:
            del part[name]
    return event


def span(name: str = "call", **attributes: str) -> dict[str, Any]:
    """An OTLP request of one span, as the collector's file exporter writes it."""
    values = [{"key": key.replace("_", "."), "value": {"stringValue": value}} for key, value in attributes.items()]
    told = {
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": f"{abs(hash((name, *attributes))) % 16**16:016x}",
        "name": name, "kind": 2, "startTimeUnixNano": "1756728000000000000", "endTimeUnixNano": "1756728000250000000",
        "attributes": values,
    }  # fmt: skip
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [told]}]}]}


def said(report: Report) -> list[tuple[str, str, str, int]]:
    """(kind, subject, place, count) of each finding."""
    return [(each.kind, each.subject, each.place, each.count) for each in report.findings]


def test_what_the_contract_says_passes(check: Callable[..., Report]) -> None:
    """Every expected type seen, nothing else found but a price that is missing."""
    report = check(order("e-1"), order("e-2"))
    assert report.status == "passed"
    (subject,) = report.subjects
    assert (subject.name, subject.expected, subject.received, subject.accepted) == ("order.completed", True, 2, 2)
    assert said(report) == [("unpriced", "order.completed", "usage.cpu_seconds", 2)]
    assert report.failures == ()


def test_a_type_that_was_not_seen_fails(check: Callable[..., Report]) -> None:
    """By default each event type and each OTLP source of the contract is expected."""
    report = check(order(), expect=())
    assert [each for each in said(report) if each[0] == "unseen"] == [
        ("unseen", "user.joined", "event type", 0),
        ("unseen", "calls", "source", 0),
    ]
    assert report.status == "failed"


def test_nothing_seen_is_no_verdict(check: Callable[..., Report]) -> None:
    """An empty capture is inconclusive."""
    assert check().status == "empty"


@pytest.mark.parametrize(
    ("event", "finding", "got"),
    [
        (order(time="2026-09-01T12:00:00"), ("rejected", "order.completed", "time", 1), "2026-09-01T12:00:00"),
        (order(total="a lot"), ("rejected", "order.completed", "data.total", 1), "a lot"),
        (order(total=None), ("rejected", "order.completed", "data.total", 1), "nothing"),
        (order(cpu=-1), ("rejected", "order.completed", "usage.cpu_seconds", 1), "-1"),
        (order(type="order.done"), ("unknown type", "order.done", "type", 1), "order.done"),
        (order(source=""), ("rejected", "order.completed", "source", 1), "nothing"),
        (order(order_id=None), ("missing key", "order.completed", "data.order_id", 1), "nothing"),
        (order(user_id=""), ("missing parent", "order.completed", "data.user_id", 1), "nothing"),
        ("no json", ("unreadable", "(no event type)", "line", 1), "text that is no JSON object"),
    ],
)
def test_each_fault_is_named(check: Callable[..., Report], event: Any, finding: Any, got: str) -> None:
    """The kind, the subject, the place and the value, with what must hold; the event beside it stays accepted."""
    report = check(order("good"), event)
    assert finding in said(report)
    (found,) = report.failures
    assert (found.got, report.status) == (got, "failed")
    assert "must" in found.expected
    assert ";" in found.expected
    assert found.example in {"captured.ndjson:2", "e-1"}
    assert report.received == 2


def test_an_id_with_other_content_is_a_conflict_and_a_repeat_is_none(check: Callable[..., Report]) -> None:
    """A retry is what producers do; the same id for another fact is a fault."""
    report = check(order("e-1"), order("e-1"), order("e-1", total="99"))
    (subject,) = report.subjects
    assert (subject.accepted, subject.duplicate, subject.conflict) == (1, 1, 1)
    assert [(each.kind, each.place, each.example) for each in report.failures] == [
        ("conflict", "id", "captured.ndjson:3")
    ]


def test_the_same_fault_is_one_finding_with_its_count(check: Callable[..., Report]) -> None:
    """And the first of them as the example."""
    report = check(*(order(f"e-{number}", total="x") for number in range(40)))
    (found,) = report.failures
    assert (found.count, found.example, found.rule) == (40, "captured.ndjson:1", "schema type")


def test_drift_is_counted_by_field(check: Callable[..., Report]) -> None:
    """Fields nobody declares, outermost first, and fields that the contract reads and nobody sends: warnings."""
    events = [
        order("e-1", cpu=None, amount={"value": 1, "parts": [{"x": 1}, {"x": 2}]}, ship={"city": "x"}),
        order("e-2", cpu=None, amount={"value": 2}, **{"a.b": 1}),
    ]
    report = check(*events)
    assert said(report) == [
        ("undeclared field", "order.completed", "data.amount", 2),
        ("undeclared field", "order.completed", "data.a.b", 1),
        ("absent field", "order.completed", "data.cpu", 2),
    ]
    assert "usage.cpu_seconds is made of it" in report.findings[-1].expected
    assert (report.status, check(*events, strict=True).status) == ("passed", "failed")


def test_spans_of_the_collector_are_judged_as_their_source(check: Callable[..., Report]) -> None:
    """A file may mix requests and events, one a line; a matching span without a unit's key is an orphan."""
    report = check(span(order_id="o-1"), order(), span("call"), span("other"), expect=("calls", "order.completed"))
    calls = next(each for each in report.subjects if each.name == "calls")
    assert (calls.received, calls.accepted) == (2, 2)
    assert ("missing key", "calls", "units.order", 1) in said(report)


def test_spans_that_wait_for_their_trace_are_judged_in_the_end(project: Path) -> None:
    """A key that only the trace could bring and nobody brought: the span is judged with what is known."""
    text = CONTRACT.replace("""order: "attributes['order.id']\"""", """order: "trace['order.id']\"""")
    (project / "perunit.yaml").write_text(text, encoding="utf-8")
    path = project / "spans.json"
    path.write_text(json.dumps(span("call")), encoding="utf-8")
    report = judged_file(project, path, ("calls",))
    assert ("missing key", "calls", "units.order", 1) in said(report)


@pytest.mark.parametrize("form", ["lines", "array", "pretty array", "one", "pretty one", "gzip", "batches"])
def test_events_are_read_in_every_form(project: Path, form: str) -> None:
    """One a line, one document, an array, arrays a line, compressed: the same events, as the text they were."""
    events = [order("e-1"), order("e-2", total=1.10)]
    texts = {
        "lines": "\n\n".join(map(json.dumps, events)),
        "gzip": "\n".join(map(json.dumps, events)),
        "array": json.dumps(events),
        "pretty array": json.dumps(events, indent=2),
        "one": json.dumps(events[0]),
        "pretty one": json.dumps(events[0], indent=2),
        "batches": json.dumps(events[:1]) + "\n" + json.dumps(events[1:]),
    }
    path = project / "file.json"
    path.write_bytes(gzip.compress(texts[form].encode()) if form == "gzip" else texts[form].encode())
    report = judged_file(project, path, ("order.completed",))
    assert report.failures == ()
    assert report.received == (1 if "one" in form else 2)


def test_a_pretty_otlp_document_is_read(project: Path) -> None:
    """As people keep examples of it."""
    path = project / "spans.json"
    path.write_text(json.dumps(span(order_id="o-1"), indent=2), encoding="utf-8")
    assert judged_file(project, path, ("calls",)).received == 1


def test_the_published_otlp_example_is_read(project: Path, shared_data: Path) -> None:
    """The protocol's own example of a trace, of which nothing is the contract's: nothing seen, no error."""
    report = judged_file(project, shared_data / "otlp-examples" / "trace.json", ("calls",))
    assert report.status == "empty"


def test_a_request_that_is_no_otlp_is_refused(project: Path) -> None:
    """With file, line and what is wrong."""
    path = project / "broken.json"
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": 7}]}), encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.json:1: .*scopeSpans"):
        judged_file(project, path, ("calls",))


def test_an_expectation_must_exist(project: Path) -> None:
    """A misspelt name would never be seen."""
    with (
        trial(project) as on,
        pytest.raises(UsageError, match=r"--expect ordr: is no event type or source .*order\.completed"),
    ):
        expected_of(on.project.contract, ("ordr",))


def test_a_contract_with_faults_is_not_tried(tmp_path: Path) -> None:
    """The contract comes first."""
    (tmp_path / "perunit.yaml").write_text("version: 2", encoding="utf-8")
    with pytest.raises(ConfigurationError), trial(tmp_path):
        pass


def test_the_projects_own_data_is_not_touched(project: Path, check: Callable[..., Report]) -> None:
    """No store is made, and a server that holds the project is not in the way."""
    from perunit.wiring import opened

    with opened(project, purpose="serve") as own:
        before = own.engine.rows("SELECT count(*) FROM events")
        assert check(order()).received == 1
        assert own.engine.rows("SELECT count(*) FROM events") == before


def test_many_requests_are_taken_in_at_once(project: Path) -> None:
    """Two hundred lines of the file exporter: each span once."""
    lines = []
    for number in range(200):
        request = span("call", order_id=f"o-{number}")
        request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] = f"{number + 1:016x}"
        lines.append(json.dumps(request))
    path = project / "traces.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    report = judged_file(project, path, ("calls",))
    assert (report.received, report.failures) == (200, ())
