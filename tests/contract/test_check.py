"""The contract as a whole: each wrong line is one fault with its place, line, rule and mend, and none hides another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from perunit.contract.focus import FOCUS_COLUMNS
from perunit.contract.read import examine, faults, read_project
from perunit.contract.rule_check import WEIGHTS
from perunit.engine.files import sql_text
from perunit.model.errors import ConfigurationError, Fault

Write = Callable[..., Path]

UNITS = """\
version: 1
units:
  order: {owner: checkout, key: order_id, parent: user, segments: [plan, region]}
  user: {owner: growth, key: user_id}
"""
EVENT = "events:\n  order.completed:\n    unit: order\n    schema: schemas/order.json\n"
SPANS = """\
sources:
  spans:
    format: otlp_spans
    event:
      {id: span_id, time: start_time, type: name, units: {order: "attributes['order.id']"}}
"""
SOURCE = """\
sources:
  shop:
    format: csv
    event: {time: t, type: "'order.completed'", units: {order: o}}
"""
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "order_id": {"type": "string"},
            "plan": {"type": ["string", "null"]},
            "region": {"type": "string"},
            "total": {"type": "number"},
            "cart": {"type": "object", "properties": {"size": {"type": "integer"}}},
            "tags": {"type": "array"},
        },
    },
    indent=1,
)


def only(root: Path) -> Fault:
    """The one fault of a project."""
    found, _ = faults(root)
    assert len(found) == 1, [str(fault) for fault in found]
    return found[0]


def test_a_sound_project_is_read_whole(project: Write) -> None:
    """Contract, schemas and price books come back typed, and nothing is complained of."""
    root = project(
        UNITS + EVENT + '    amounts: {revenue: data.total}\n    usage: {items: "data.cart.size"}\n',
        schemas__order_dot_json=SCHEMA,
        prices__p_dot_yaml="book: p\nversion: 1\ncurrency: USD\nrates:\n"
        '  - {meter: items, price: 0.10, per: 1, unit: "{item}", effective_from: 2026-01-01}\n',
    )
    read = read_project(root)
    assert tuple(read.contract.units) == ("order", "user")
    assert read.schemas["order.completed"]["properties"]["total"] == {"type": "number"}
    assert read.price_books[0].rates[0].meter == "items"
    assert read.data == root / "data"
    assert examine(root).notes == ()


# (what follows the units, place, line, rule, part of the mend)
CASES = [
    # shape
    (
        "surces: {}\n",
        "surces",
        5,
        "must be one of access, allocation, bills, control",
        "did you mean sources?",
    ),
    ("currency: usd\n", "currency", 5, "must be an ISO 4217 code such as USD", ""),
    ("currency: XXX\n", "currency", 5, "must be an ISO 4217 code such as USD", ""),
    ("segments: {limit: 0}\n", "segments.limit", 5, "must be >= 1", ""),
    ("segments: {limit: many}\n", "segments.limit", 5, "must be a whole number", ""),
    ("segments: 5\n", "segments", 5, "must be a mapping", ""),
    ("limits: {late_after_hours: 1.5}\n", "limits.late_after_hours", 5, "must be a whole number", ""),
    ("meters:\n  Cpu: {unit: s}\n", "meters.Cpu", 6, "must be lower-case letters", ""),
    ("meters:\n  cpu: {unit: s, priced: perhaps}\n", "meters.cpu.priced", 6, "must be true or false", ""),
    ("meters:\n  cpu: {}\n", "meters.cpu.unit", 6, "must be given", "UCUM"),
    ("allocation: {}\n", "allocation", 5, "must be a list", ""),
    ("allocation:\n  - 5\n", "allocation.1", 6, "must be a mapping", ""),
    # sources
    (SOURCE.replace("csv", "cvs"), "sources.shop.format", 7, "must be 'csv', 'ndjson'", "did you mean csv?"),
    (SOURCE.replace("time: t, ", ""), "sources.shop.event.time", 8, "must be given", "add time"),
    (SOURCE.replace("order: o", ""), "sources.shop.event.units", 8, "must map at least one unit type", ""),
    (SOURCE.replace("order: o", "oder: o"), "sources.shop.event.units.oder", 8, "must be a unit type", "order?"),
    (SOURCE.replace("time: t", "time: now()"), "sources.shop.event.time", 8, "must give the same value", ""),
    (SOURCE.replace("time: t", 'time: "(select 1)"'), "sources.shop.event.time", 8, "must not contain a query", ""),
    (SOURCE.replace("time: t", 'time: "t +"'), "sources.shop.event.time", 8, "must be an expression", "syntax"),
    (
        SOURCE.replace("'order.completed'", "'order completed'"),
        "sources.shop.event.type",
        8,
        "must give names of letters",
        "",
    ),
    (
        SOURCE.replace("time: t", "time: t, outcome: \"case when x then 'ok' else 'failure' end\""),
        "sources.shop.event.outcome",
        8,
        "must give 'success', 'failure' or null",
        "",
    ),
    (
        SOURCE.replace("time: t", "time: t, currency: \"'euro'\""),
        "sources.shop.event.currency",
        8,
        "must give an ISO 4217 code",
        "",
    ),
    (
        SOURCE.replace("time: t", "time: t, amounts: {revenu: x}"),
        "sources.shop.event.amounts.revenu",
        8,
        "must be 'revenue', 'discount'",
        "did you mean revenue?",
    ),
    (
        SOURCE.replace("time: t", "time: t, usage: {events: x}"),
        "sources.shop.event.usage.events",
        8,
        "must not be the reserved name of a meter",
        "",
    ),
    (
        SOURCE.replace("time: t", "time: t, segments: {resource: x}"),
        "sources.shop.event.segments.resource",
        8,
        "must not be the reserved name of a segment",
        "",
    ),
    (SOURCE.replace("shop", "cloudevents"), "sources.cloudevents", 6, "must not be the reserved name of a source", ""),
    (SOURCE + "    path: ../x.csv\n", "sources.shop.path", 9, "must be a path below the project", ""),
    (SOURCE + "    path: [a.csv, /etc/x]\n", "sources.shop.path.2", 9, "must be a path below the project", ""),
    (SOURCE + '    path: "C:/x.csv"\n', "sources.shop.path", 9, "must be a path below the project", ""),
    (SOURCE + "    records: rows\n", "sources.shop.records", 9, "must be left out with format csv", ""),
    (SOURCE + "    load: {w: parent.id}\n", "sources.shop.load", 9, "must be left out with format csv", ""),
    (SOURCE + "    match: sum(a)\n", "sources.shop.match", 9, "must look at one row", ""),
    (SPANS + "    path: x\n", "sources.spans.path", 10, "must be left out with format otlp_spans", ""),
    (SPANS + "    match: servic = 'a'\n", "sources.spans.match", 10, "must be a column of otlp_spans", "did you mean"),
    (SPANS + "    match: attributes.a = 'a'\n", "sources.spans.match", 10, "must name what is in the map", "['a']"),
    (SPANS + "    match: service['a'] = 'a'\n", "sources.spans.match", 10, "must be a column, which has no parts", ""),
    (
        SPANS.replace("otlp_spans", "prometheus")
        .replace("id: span_id, time: start_time, type: name", "id: id")
        .replace("attributes", "labels")
        + "    match: increase > 0\n",
        "sources.spans.match",
        10,
        "must not be asked in match",
        "usage",
    ),
    (SPANS + "    match: trace['a'] = 'a'\n", "sources.spans.match", 10, "must not name trace", "the span's own"),
    (SPANS.replace("start_time", "trace"), "sources.spans.event", 8, "must name an attribute of the trace", "trace['"),
    (SPANS + "    wait_seconds: -1\n", "sources.spans.wait_seconds", 10, "must be", ""),
    (SOURCE + "    wait_seconds: 9\n", "sources.shop.wait_seconds", 9, "must be left out with format csv", ""),
    (
        SOURCE.replace("csv", "json") + "    records: 'a b'\n",
        "sources.shop.records",
        9,
        "must be a dotted name",
        "",
    ),
    (SOURCE.replace("csv", "parquet") + "    delimiter: ;\n", "sources.shop.delimiter", 9, "must be left out", ""),
    (SOURCE + "    timezone: Europe/Londn\n", "sources.shop.timezone", 9, "must be an IANA time zone", ""),
    (SOURCE + "    timezone: ../etc/passwd\n", "sources.shop.timezone", 9, "must be an IANA time zone", ""),
    (SOURCE + "    encoding: utf-99\n", "sources.shop.encoding", 9, "must be a known text encoding", ""),
    (SOURCE + "    columns: {a: NUMBR}\n", "sources.shop.columns.a", 9, "must cast to a plain type", ""),
    (SOURCE + '    columns: {a: "INT); drop"}\n', "sources.shop.columns.a", 9, "must be a DuckDB type", ""),
    (SOURCE + "    columns: {_row: INT}\n", "sources.shop.columns._row", 9, "must not be _row or _file", ""),
    # events
    (EVENT.replace("unit: order", "unit: oder"), "events.order.completed.unit", 7, "must be a unit type", "order?"),
    (EVENT.replace("    unit: order\n", ""), "events.order.completed.unit", 6, "must be given", "add unit"),
    (EVENT.replace("order.json", "none.json"), "events.order.completed.schema", 8, "must be a file that exists", ""),
    (EVENT.replace("schemas/", "../"), "events.order.completed.schema", 8, "must be a path below the project", ""),
    (EVENT + "    outcome: sucess\n", "events.order.completed.outcome", 9, "must be an attribute", "success?"),
    (EVENT + "    outcome: \"'ok'\"\n", "events.order.completed.outcome", 9, "must give 'success'", ""),
    (
        EVENT + "    amounts: {revenue: total}\n",
        "events.order.completed.amounts.revenue",
        9,
        "must be an attribute of the event",
        "write data.total",
    ),
    (
        EVENT + "    amounts: {revenue: data.totl}\n",
        "events.order.completed.amounts.revenue",
        9,
        "must be a property of the event's schema",
        "did you mean total?",
    ),
    (
        EVENT + "    usage: {n: data.cart}\n",
        "events.order.completed.usage.n",
        9,
        "must be a single value of the event's schema",
        "",
    ),
    (EVENT + '    usage: {n: "data.tags[1]"}\n', "events.order.completed.usage.n", 9, "must be a single value", ""),
    (EVENT + "    usage: {n: data}\n", "events.order.completed.usage.n", 9, "must name one value", ""),
    (EVENT + "    latency_ms: avg(data.total)\n", "events.order.completed.latency_ms", 9, "must look at one row", ""),
    # allocation
    ("allocation:\n  - {name: a, method: direct, unit: order}\n", "allocation.1.key", 6, "must be given", "add key"),
    ("allocation:\n  - {name: a, method: usage}\n", "allocation.1.meter", 6, "must be given", ""),
    ("allocation:\n  - {name: a, method: proportional}\n", "allocation.1.to", 6, "must be given", ""),
    (
        "allocation:\n  - {name: a, method: even, unit: order, capacity: 5}\n",
        "allocation.1.capacity",
        6,
        "must be left out with method even",
        "even takes horizon, unit",
    ),
    (
        "allocation:\n  - {name: a, method: proportional, to: profit}\n",
        "allocation.1.to",
        6,
        "must be a measure that can be a weight",
        "",
    ),
    (
        "allocation:\n  - {name: a, method: usage, meter: cpu}\n",
        "allocation.1.meter",
        6,
        "must be a meter",
        "declare it under meters",
    ),
    (
        "allocation:\n  - {name: a, method: even, unit: oder}\n",
        "allocation.1.unit",
        6,
        "must be a unit type",
        "did you mean order?",
    ),
    (
        "allocation:\n  - {name: a, method: even, unit: order, match: \"ServiceName = 'x'\"}\n",
        "allocation.1.match",
        6,
        "must be a FOCUS column",
        "did you mean service_name?",
    ),
    (
        "allocation:\n  - {name: a, method: even, unit: order, match: \"tags.team = 'x'\"}\n",
        "allocation.1.match",
        6,
        "must name a tag in brackets",
        "tags['team']",
    ),
    (
        "bills:\n  stripe: {charge: {biled_cost: fee}}\n",
        "bills.stripe.charge.biled_cost",
        6,
        "must be a FOCUS column",
        "did you mean billed_cost?",
    ),
    (
        "bills:\n  stripe: {charge: {billed_cost: fee / 100}}\n",
        "bills.stripe.charge.billed_cost",
        6,
        "must not divide money",
        "multiply",
    ),
    (
        'allocation:\n  - {name: a, method: even, unit: order, match: "service_name.x = 1"}\n',
        "allocation.1.match",
        6,
        "must be a column, which has no parts",
        "",
    ),
    (
        "allocation:\n  - &r {name: a, method: even, unit: order, match: charge_class is null}\n  - *r\n",
        "allocation.2.name",
        6,
        "must be a name of its own, and rule 1 has it",
        "",
    ),
    (
        "allocation:\n  - {name: a, method: fixed, unit: order}\n",
        "allocation.1.weights",
        6,
        "must be given with method fixed",
        "add weights",
    ),
    ("allocation:\n  - {name: a, method: shapley, unit: order}\n", "allocation.1.costs", 6, "must be given", ""),
    (
        "allocation:\n  - {name: a, method: shapley, unit: order, costs: [{units: [x, x], cost: 1}]}\n",
        "allocation.1.costs.1.units",
        6,
        "must name each unit, and the same units, once",
        "",
    ),
    (
        "allocation:\n  - name: a\n    method: shapley\n    unit: order\n    costs: "
        "[{units: [x], cost: 9}, {units: [y], cost: 1}, {units: [x, y], cost: 1}]\n",
        "allocation.1.costs",
        9,
        "must not pay y for taking part",
        "correct the costs",
    ),
    (
        "allocation:\n  - {name: a, method: even, of: charge_class is null}\n",
        "allocation.1.of",
        6,
        "must be left out with method even",
        "",
    ),
    (
        "allocation:\n  - {name: a, method: even, horizon: {months: 0}}\n",
        "allocation.1.horizon.months",
        6,
        "must be >= 1",
        "",
    ),
    (
        'allocation:\n  - {name: a, method: fixed, unit: order, weights: {"rule:a": 1}}\n',
        "allocation.1.weights.rule:a",
        6,
        "must be a unit's key",
        "step_down",
    ),
    (
        'allocation:\n  - {name: a, method: step_down, unit: order, weights: {"rule:a": 1}}\n',
        "allocation.1.weights.rule:a",
        6,
        "must not lead back",
        "",
    ),
    (
        'allocation:\n  - {name: a, method: step_down, unit: order, weights: {"rule:b": 1}}\n',
        "allocation.1.weights.rule:b",
        6,
        "must be a rule with method",
        "",
    ),
    (
        "allocation:\n  - {name: a, method: fixed, unit: order, weights: {1001: 0}}\n",
        "allocation.1.weights.1001",
        6,
        "must be above 0",
        "",
    ),
]


@pytest.mark.parametrize(("more", "place", "line", "rule", "mend"), CASES)
def test_each_wrong_line_is_one_fault(project: Write, more: str, place: str, line: int, rule: str, mend: str) -> None:
    """The fault stands where the mistake is, and says what to do."""
    root = project(UNITS + more, schemas__order_dot_json=SCHEMA)
    fault = only(root)
    assert (fault.file, fault.place) == ("perunit.yaml", place)
    assert fault.rule.startswith(rule)
    assert mend in fault.mend
    assert fault.line == line


@pytest.mark.parametrize(
    ("units", "place", "rule"),
    [
        ("  order: {owner: a, key: k, parent: usr}\n", "units.order.parent", "must be a unit type"),
        ("  order: {owner: a, key: k, parent: order}\n", "units.order.parent", "must not lead back to itself"),
        ("  order: {owner: a, key: 'a b'}\n", "units.order.key", "must be a name such as order_id"),
        ("  order: {owner: a, key: k, segments: [p, p]}\n", "units.order.segments.2", "must be named once"),
        ("  order: {owner: a, key: k, segments: [type]}\n", "units.order.segments.1", "must not be the reserved"),
        ("  order: {owner: a, key: k, segments: plan}\n", "units.order.segments", "must be a list"),
        ("  order: {owner: a, key: k, success: typ = 'x'}\n", "units.order.success", "must look at an event's"),
        ("  order: {owner: a, key: k, success: data.x = 1}\n", "units.order.success", "must look at an event's"),
        ("  order: {owner: a, key: k, success: count(*) > 1}\n", "units.order.success", "must look at one row"),
        ("  order: {owner: a, key: k, counted: once}\n", "units.order.counted", "must be 'opened' or 'active'"),
        ("  order: {owner: a}\n", "units.order.key", "must be given"),
        ("  order: {owner: a, key: k}\n  Order: {owner: a, key: k}\n", "units.Order", "must be lower-case letters"),
        ("  mask: {owner: a, key: k}\n", "units.mask", "must not be the reserved name of a unit type"),
        ("  order: {owner: a, key: k}\n  order: {owner: b, key: l}\n", "units.order", "a key must appear once"),
        ("  {}\n", "units", "must not be empty"),
    ],
)
def test_each_wrong_unit_type_is_one_fault(project: Write, units: str, place: str, rule: str) -> None:
    """Unit types, their parents, keys, segments and success rules."""
    fault = only(project("version: 1\nunits:\n" + units))
    assert fault.place == place
    assert fault.rule.startswith(rule)


def test_a_circle_of_parents_is_told_once(project: Write) -> None:
    """Three unit types in a circle are one fault that names them all; the type below them has none."""
    units = "".join(f"  {name}: {{owner: o, key: k, parent: {parent}}}\n" for name, parent in ["ab", "bc", "ca", "da"])
    fault = only(project("version: 1\nunits:\n" + units))
    assert "a → b → c → a" in fault.rule


def test_more_unit_types_than_a_mask_has_bits(project: Write) -> None:
    """The store marks unit types with the bits of one integer."""
    units = "".join(f"  u{number}: {{owner: o, key: k{number}}}\n" for number in range(63))
    assert only(project("version: 1\nunits:\n" + units)).rule == "must be at most 62 unit types"


def test_every_fault_is_told_at_once(project: Write) -> None:
    """Faults of syntax rules, shape, references, expressions and prices do not hide each other, in file order."""
    root = project(
        """\
        version: 2
        currency: usd
        units:
          order: {owner: checkout, parent: usr, segments: [Bad Name, plan], success: "count(*) > 0"}
          order: {}
        sources:
          shop:
            format: cvs
            event: {type: "(select 1)", units: {oder: x}, amounts: {revenu: 1, cost: getenv('X')}}
        allocation:
          - {method: usage, to: units, match: "nothing = 1"}
        """,
        prices__p_dot_yaml="book: p\nversion: 0\ncurrency: EUR\nrates: [{meter: cpu, price: -1}]\n",
    )
    found, _ = faults(root)
    assert [(fault.line, fault.place) for fault in found] == [
        (1, "version"),
        (2, "currency"),
        (4, "units.order.key"),
        (4, "units.order.segments.1"),
        (4, "units.order.parent"),
        (4, "units.order.success"),
        (5, "units.order"),
        (8, "sources.shop.format"),
        (9, "sources.shop.event.time"),
        (9, "sources.shop.event.amounts.revenu"),
        (9, "sources.shop.event.units.oder"),
        (9, "sources.shop.event.type"),
        (9, "sources.shop.event.amounts.cost"),
        (11, "allocation.1.name"),
        (11, "allocation.1.meter"),
        (11, "allocation.1.to"),
        (11, "allocation.1.match"),
        (2, "version"),
        (4, "rates.1.effective_from"),
        (4, "rates.1.price"),
        (4, "rates.1.per"),
        (4, "rates.1.unit"),
    ]


def test_what_stands_in_for_a_fault_is_never_shown(project: Write) -> None:
    """No message quotes a placeholder or complains of what only follows from another fault."""
    root = project("version: 1\nunits: {order: {}}\nsources: {s: {}}\nevents: {e: {}}\nallocation: [{}]\n")
    found, notes = faults(root)
    assert not [fault for fault in (*found, *notes) if "missing__" in str(fault)]
    assert {fault.rule for fault in found} == {"must be given"}


def test_reading_raises_every_fault(project: Write) -> None:
    """A command that needs the project stops with all faults in one error."""
    with pytest.raises(ConfigurationError) as refused:
        read_project(project(UNITS + "currency: usd\nsegments: {limit: 0}\n"))
    assert [fault.place for fault in refused.value.faults] == ["currency", "segments.limit"]
    assert "perunit.yaml:5: currency" in str(refused.value)


@pytest.mark.parametrize("raw", [b"", b"\n", b"# nothing\n", b"5", b"[]", b"text", b"\xff\xfe", b"\x00"])
def test_a_file_that_is_no_contract_is_refused(tmp_path: Path, raw: bytes) -> None:
    """Empty files, lists and single values are faults, not crashes."""
    (tmp_path / "perunit.yaml").write_bytes(raw)
    assert faults(tmp_path)[0]


def test_a_directory_without_a_contract_names_the_mend(tmp_path: Path) -> None:
    """What is missing and the command that makes it; a missing directory likewise."""
    for root in (tmp_path, tmp_path / "nowhere"):
        fault = only(root)
        assert fault.file == "perunit.yaml"
        assert "perunit init" in fault.mend


def test_yaml_values_as_expressions_are_the_text_they_were(project: Write) -> None:
    """An unquoted true, 1 or 0.5 is the expression of that text; a path may be one text; null leaves a section out."""
    root = project(
        UNITS
        + "sources:\n"
        + SOURCE.split("\n", 1)[1].replace("time: t", "time: t, usage: {a: 1, b: 0.50}")
        + "    path: data/*.csv\n"
        + "allocation:\n  - {name: a, match: true, method: even, unit: order}\nevents:\nmeters:\n"
    )
    contract = read_project(root).contract
    assert contract.sources["shop"].event.usage == {"a": "1", "b": "0.50"}
    assert contract.sources["shop"].path == ("data/*.csv",)
    assert contract.allocation[0].match == "true"
    assert contract.meters == {}


@pytest.mark.parametrize(
    ("more", "place", "rule"),
    [
        ("", "", "has neither sources nor events"),
        (SOURCE + "meters:\n  cpu: {unit: s}\n", "meters.cpu", "is used by no source and no event"),
        (
            SOURCE.replace("time: t", "time: t, amounts: {revenue: a / 2}"),
            "sources.shop.event.amounts.revenue",
            "divides with /",
        ),
        (
            SOURCE.replace("time: t", "time: t, usage: {cpu_second: a, cpu_seconds: b}")
            + "meters: {cpu_seconds: {unit: s}}\n",
            "sources.shop.event.usage.cpu_second",
            "is a meter that is not declared",
        ),
        (
            SOURCE + "allocation:\n  - {name: a, method: even, unit: order}\n  - {name: b, method: even, unit: user}\n",
            "allocation.1",
            "matches every line",
        ),
    ],
)
def test_what_may_surprise_is_noted(project: Write, more: str, place: str, rule: str) -> None:
    """A note is no fault: the project is read all the same."""
    examination = examine(project(UNITS + more))
    assert examination.project is not None
    (note,) = examination.notes
    assert note.place == place
    assert note.rule.startswith(rule)


def test_segments_an_event_never_gives_are_noted(project: Write) -> None:
    """With a schema it is known that a segment of the unit cannot be in the data."""
    schema = json.dumps({"properties": {"order_id": {"type": "string"}, "plan": {}}})
    (note,) = examine(project(UNITS + EVENT, schemas__order_dot_json=schema)).notes
    assert note.rule == "never gives region: neither its schema nor its segments name them"


def test_an_event_must_carry_the_key_of_its_unit(project: Write) -> None:
    """A schema without the unit's key can only give orphans."""
    schema = json.dumps({"properties": {"orderId": {"type": "string"}, "plan": {}, "region": {}}})
    fault = only(project(UNITS + EVENT, schemas__order_dot_json=schema))
    assert fault.place == "events.order.completed.unit"
    assert fault.mend == "did you mean orderId?"


SCHEMA_CASES = [
    ('{"type": "object",\n "oneOf": []}', "oneOf", 2, "must be a supported keyword"),
    ('{"properties": {\n "a": {"$ref": "#/x"}}}', "properties.a.$ref", 2, "must be a supported keyword"),
    ('{"properties": {"a": {"items": {}}}}', "properties.a.items", 1, "must be a supported keyword"),
    ('{"properties": {"a": {"type": "text"}}}', "properties.a.type", 1, "must be one of object, array"),
    ('{"properties": {"a": {"type": ["string", "number"]}}}', "properties.a.type", 1, "must be one of object"),
    ('{"properties": {"a": {"pattern": "(?=x)"}}}', "properties.a.pattern", 1, "must be a regular expression"),
    ('{"properties": {"a": {"pattern": "("}}}', "properties.a.pattern", 1, "must be a regular expression"),
    ('{"properties": {"a": {"format": "email"}}}', "properties.a.format", 1, "must be date-time"),
    ('{"properties": {"a": {"enum": []}}}', "properties.a.enum", 1, "must be a list of plain values"),
    ('{"properties": {"a": {"minimum": "5"}}}', "properties.a.minimum", 1, "must be a number"),
    ('{"properties": {"a": {"maxLength": -1}}}', "properties.a.maxLength", 1, "must be a whole number >= 0"),
    ('{"properties": {"a": true}}', "properties.a", 1, "must be an object"),
    ('{"properties": []}', "properties", 1, "must be an object"),
    ('{"required": "a"}', "required", 1, "must be a list of names"),
    ('{"additionalProperties": {"type": "string"}}', "additionalProperties", 1, "must be true or false"),
    ("[]", "", 1, "must be an object"),
    ("", "syntax", 1, "must be JSON"),
    ('{"a": 1,\n}', "syntax", 2, "must be JSON"),
    ('{"type": "object", "type": "object"}', "syntax", None, "must be JSON with unique keys"),
    ('{"minimum": NaN}', "syntax", None, "must be JSON with unique keys"),
]


@pytest.mark.parametrize(("schema", "place", "line", "rule"), SCHEMA_CASES)
def test_schema_keywords_that_cannot_be_checked_are_refused(
    project: Write, schema: str, place: str, line: int | None, rule: str
) -> None:
    """Each is named with its place in the JSON Schema's own file."""
    contract = "version: 1\nunits:\n  order: {owner: o, key: subject}\n" + EVENT
    found, _ = faults(project(contract, schemas__order_dot_json=schema))
    fault = next(fault for fault in found if fault.file == "schemas/order.json")
    assert (fault.place, fault.line) == (place, line)
    assert fault.rule.startswith(rule)


def test_every_supported_keyword_is_accepted(project: Write) -> None:
    """All that the validation knows, with the usual annotations and tabs for indentation."""
    schema = dedent("""\
        {
        \t"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x", "title": "t", "type": "object",
        \t"required": ["order_id"], "additionalProperties": false,
        \t"properties": {
        \t\t"order_id": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^[a-z]+$", "description": "d"},
        \t\t"plan": {"enum": ["a", null, 1], "default": "a", "examples": ["a"]},
        \t\t"region": {"const": "eu"}, "at": {"type": "string", "format": "date-time"},
        \t\t"total": {"type": ["number", "null"], "minimum": 0, "maximum": 9.5},
        \t\t"n": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 5},
        \t\t"deep": {"type": "object", "properties": {"er": {"type": "boolean"}}}
        \t}
        }
        """)
    assert faults(project(UNITS + EVENT, schemas__order_dot_json=schema)) == ([], [])


def test_a_schema_may_not_lead_out_of_the_project(project: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A link to a file elsewhere is refused like a path with dots."""
    outside = tmp_path_factory.mktemp("outside") / "order.json"
    outside.write_text(SCHEMA, encoding="utf-8")
    root = project(UNITS + EVENT)
    (root / "schemas").mkdir()
    (root / "schemas" / "order.json").symlink_to(outside)
    assert only(root).rule == "must be a path below the project"


def test_allocation_rules_see_the_columns_of_a_charge() -> None:
    """The allowed names are exactly the charge's columns in the store, without its bill and line."""
    table = re.search(r"CREATE TABLE IF NOT EXISTS charges \((.*?)\);", sql_text("store", "schema"), re.DOTALL)
    assert table is not None
    columns = re.findall(r"(?:^|,)\s*(\w+) (?=[A-Z])", re.sub(r"\(.*?\)", "", table.group(1)))
    assert tuple(columns) == ("bill_id", "line", *FOCUS_COLUMNS)


def test_allowed_weights_are_those_that_allocation_measures() -> None:
    """A rule that passes the check has its weights measured; without them its lines would stay unallocated."""
    measured = set(re.findall(r"'measure:(\w+)'", sql_text("economics.attribute", "measured")))
    assert set(WEIGHTS) == measured | {"units"}


KEYS = """
    order user owner key parent segments success format event time type units amounts usage revenue schema outcome
    unit name match method to meter limit path columns load records price
"""
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text("ab._ '(1", max_size=6), st.just("order")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(KEYS.split()),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
SECTIONS = ("version", "currency", "units", "sources", "events", "meters", "segments", "limits", "allocation")


@given(st.dictionaries(st.sampled_from(SECTIONS), VALUES, max_size=6))
def test_any_contract_is_read_or_refused_with_faults(
    tmp_path_factory: pytest.TempPathFactory, contract: dict[str, object]
) -> None:
    """Whatever the values, the answer is a project or faults with a rule and a mend, never a crash."""
    root = tmp_path_factory.mktemp("any")
    (root / "perunit.yaml").write_text(yaml.safe_dump(contract), encoding="utf-8")
    examination = examine(root)
    assert (examination.project is None) == bool(examination.faults)
    assert all(fault.rule and fault.mend and "missing__" not in str(fault) for fault in examination.faults)


def test_a_circle_of_step_down_rules_is_told_where_each_rule_closes_it(project: Write) -> None:
    """Two rules that hand on to each other would never come to rest; a third that only leads there is sound."""
    rules = "".join(
        f"  - {{name: {name}, match: \"service_name = '{name}'\", method: step_down, unit: order, "
        f'weights: {{o-1: 1, "rule:{to}": 1}}}}\n'
        for name, to in (("a", "b"), ("b", "a"), ("c", "a"))
    )
    found, _ = faults(project(UNITS + "allocation:\n" + rules, schemas__order_dot_json=SCHEMA))
    assert [fault.place for fault in found] == ["allocation.1.weights.rule:b", "allocation.2.weights.rule:a"]
    assert {fault.rule for fault in found} == {"must not lead back to its own rule"}
