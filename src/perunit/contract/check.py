"""What the parts of a contract must say of each other. Enters: a typed contract. Leaves: every fault.

Shape alone is checked by `shape.py`; here are references between parts, and expressions with what they see.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from pathlib import Path as File
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from perunit.contract.access_check import check_access
from perunit.contract.document import Document, Path, did_you_mean, shown
from perunit.contract.door_formats import COUNTED_FORMATS, DOOR_COLUMNS, GROWN_COLUMNS
from perunit.contract.expression import Checked, ExpressionError, Reference, check_type, outcome_expression, parse
from perunit.contract.findings import Findings, Sees, checked_expression, declared
from perunit.contract.focus import FOCUS_COLUMNS
from perunit.contract.json_schema import kinds_of, property_at, read_json_schema
from perunit.contract.kafka_check import check_kafka
from perunit.contract.privacy_check import check_privacy
from perunit.contract.prometheus_check import check_prometheus
from perunit.contract.rule_check import check_rules
from perunit.contract.shape import Contract, EventType, Source, UnitType
from perunit.contract.shape_faults import shown_dimensions
from perunit.contract.stripe import STRIPE
from perunit.model.accounts import ACCOUNTS
from perunit.model.money import is_currency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["EVENT_ATTRIBUTES", "check_contract"]

# CloudEvents attributes, and the extensions that are understood.
EVENT_ATTRIBUTES = (
    *("specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype"),
    *("recordedtime", "traceparent", "sampledrate"),
)
_ABOUT_EVENTS = ("id", "source", "type", "time", "outcome", "currency", "resource", "intent", "latency_ms")
# One bit of a 64-bit mask for each, the sign left out.
_UNIT_TYPES_MAX = 62
_OUTCOMES = frozenset({"success", "failure"})
_EVENT_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}")
_DOTTED = re.compile(r"[A-Za-z_@$][\w@$-]*(\.[A-Za-z_@$][\w@$-]*)*")
# Names that the store's own columns or the price books already use.
_RESERVED = {
    "unit type": {"mask"},
    "segment": {
        *("resource", "type", "event_type", "source", "outcome", "currency", "time", "cell_id"),
        *("service_name", "cloud_account"),
    },
    "meter": {"events"},
    "source": {"cloudevents", "otlp"},
}


def check_contract(contract: Contract, document: Document, root: File) -> tuple[Findings, dict[str, dict[str, Any]]]:
    """Everything that is wrong between the parts, and the JSON Schemas that could be read, by event type."""
    found = Findings(document)
    schemas = dict(_schemas(contract, found, root))
    _check_units(contract, found)
    _check_names(contract, found)
    for name, source in contract.sources.items():
        _check_source(name, source, found)
    _check_stripe(contract, found)
    for name, event in contract.events.items():
        _check_event(name, event, contract, schemas.get(name), found)
    _check_bills(contract, found)
    check_rules(contract, found)
    check_kafka(contract, found)
    check_prometheus(contract, found)
    check_access(contract, found)
    check_privacy(contract, found)
    _check_meters(contract, found)
    if not contract.sources and not contract.events:
        found.note((), "has neither sources nor events", "add one of them; there is nothing to ingest yet", got="")
    return found, schemas


def _check_names(contract: Contract, found: Findings) -> None:
    """Names that would collide with columns of the store or words of the command line."""
    for section, what in (("units", "unit type"), ("sources", "source"), ("meters", "meter")):
        for name in getattr(contract, section):
            _check_reserved((section, name), name, what, found)
    for index_path, name in _dimension_places(contract):
        _check_reserved(index_path, name, "segment", found)
    for section, items in (("sources", contract.sources), ("events", contract.events)):
        for name, item in items.items():
            mapping = item.event if isinstance(item, Source) else item
            base: Path = (section, name, "event") if isinstance(item, Source) else (section, name)
            for meter in mapping.usage:
                _check_reserved((*base, "usage", meter), meter, "meter", found)


def _dimension_places(contract: Contract) -> list[tuple[Path, str]]:
    places: list[tuple[Path, str]] = []
    for name, unit in contract.units.items():
        places += [(("units", name, "segments", index), segment) for index, segment in enumerate(unit.segments)]
    for name, source in contract.sources.items():
        places += [(("sources", name, "event", "segments", segment), segment) for segment in source.event.segments]
    for name, event in contract.events.items():
        places += [(("events", name, "segments", segment), segment) for segment in event.segments]
    return places


def _check_reserved(path: Path, name: str, what: str, found: Findings) -> None:
    if name in _RESERVED[what]:
        found.fault(
            path,
            f"must not be the reserved name of a {what}",
            f"choose another, e.g. {name}_name",
            shown(name),
        )


def _check_units(contract: Contract, found: Findings) -> None:
    if len(contract.units) > _UNIT_TYPES_MAX:
        rule = f"must be at most {_UNIT_TYPES_MAX} unit types"
        found.fault(("units",), rule, "take some away", got=str(len(contract.units)))
    sees = _sees_facts(contract)
    for name, unit in contract.units.items():
        path = ("units", name)
        _check_parent(name, unit, contract, found)
        if not _DOTTED.fullmatch(unit.key):
            found.fault((*path, "key"), "must be a name such as order_id or user.id", "correct it")
        for index, segment in enumerate(unit.segments):
            if segment in unit.segments[:index]:
                found.fault((*path, "segments", index), "must be named once", "take one away", got=shown(segment))
        if unit.success is not None:
            checked_expression((*path, "success"), unit.success, sees, found)


def _check_parent(name: str, unit: UnitType, contract: Contract, found: Findings) -> None:
    path: Path = ("units", name, "parent")
    if unit.parent is None or not found.known(
        path,
        unit.parent,
        declared(found, "units"),
        "a unit type",
        "declare it under units, or take the parent away",
    ):
        return
    circle, step = [name], unit.parent
    while step in contract.units and step not in circle:
        circle.append(step)
        step = contract.units[step].parent or ""
    # Every member of a circle closes it; it is told once, at the first of them.
    if step == name and name == min(circle, key=list(contract.units).index):
        rule = f"must not lead back to itself ({' → '.join([*circle, name])})"
        found.fault(path, rule, "take one of these parents away")


def _check_source(name: str, source: Source, found: Findings) -> None:
    path: Path = ("sources", name)
    # The source of a short block is told of where it was written.
    short = name == STRIPE and found.document.get(path) is None
    path = (STRIPE,) if short else path
    _check_reading(path, source, found)
    for column, type_ in source.columns.items():
        try:
            check_type(type_)
        except ExpressionError as error:
            found.fault((*path, "columns", column), error.rule, error.mend)
        if column in {"_row", "_file"}:
            rule = "must not be _row or _file, which are the row's position and file"
            found.fault((*path, "columns", column), rule, "rename the column", got=shown(column))
    _check_door(path, source, found)
    if source.labels_from is not None and source.format != "prometheus":
        rule = f"must be left out with format {source.format}"
        found.fault((*path, "labels_from"), rule, "take it away or correct the format")
    sees = _sees_row(source.format) if source.format in DOOR_COLUMNS else None
    matched = checked_expression((*path, "match"), source.match, sees, found)
    for reference in matched.references if matched and source.format in COUNTED_FORMATS else ():
        if reference.root in GROWN_COLUMNS:
            rule = "must not be asked in match, which says whose growth is counted"
            found.fault((*path, "match"), rule, "use it in usage: or amounts:", shown(reference.root))
    event, at = source.event, path if short else (*path, "event")
    if not event.units:
        found.fault((*at, "units"), "must map at least one unit type", "add for example order: order_id", got="")
    for unit in event.units:
        mend = "declare it under units"
        found.known((*at, "units", unit), unit, declared(found, "units"), "a unit type", mend)
    for attribute in (
        "id",
        "time",
        "type",
        "outcome",
        "currency",
        "resource",
        "latency_ms",
        "intent",
        "recorded_at",
        "weight",
        "sampled_by",
    ):
        text = getattr(event, attribute)
        if text is not None:
            _check_values((*at, attribute), attribute, checked_expression((*at, attribute), text, sees, found), found)
    _check_mapped(at, event, sees, found, ("units", "segments", "amounts", "usage"))


def _check_door(path: Path, source: Source, found: Findings) -> None:
    """What rows that come through a door need, and what only files have."""
    if source.format != "otlp_spans" and "wait_seconds" in source.model_fields_set:
        rule = f"must be left out with format {source.format} (it belongs to otlp_spans)"
        found.fault((*path, "wait_seconds"), rule, "take it away or correct the format")
    if source.format not in DOOR_COLUMNS:
        return
    _check_traces(path, source, found)
    for option in ("columns",) if source.format == STRIPE else ("path", "columns"):
        if getattr(source, option):
            rule = f"must be left out with format {source.format}, whose rows come through a door"
            found.fault((*path, option), rule, "take it away or correct the format")


def _check_traces(path: Path, source: Source, found: Findings) -> None:
    """A span waits for what is named of its trace, so that has to be named, and who waits cannot hang on it."""
    if source.format != "otlp_spans":
        return
    with suppress(ExpressionError):
        if any(reference.root == "trace" for reference in parse(source.match).references):
            rule = "must not name trace, of which nothing is known when a span comes"
            found.fault((*path, "match"), rule, "name the span's own attributes")
    for text in source.expressions():
        with suppress(ExpressionError):
            if any(reference.parts == ("trace",) for reference in parse(text).references):
                rule = "must name an attribute of the trace in brackets"
                found.fault((*path, "event"), rule, "write for example trace['order.id']", got=text)


def _check_stripe(contract: Contract, found: Findings) -> None:
    """A block that no source reads would lose what comes."""
    block = contract.stripe
    if block is None:
        return
    if block.units and declared(found, "sources").count(STRIPE):
        rule = "must be left out where sources.stripe maps the rows itself"
        found.fault((STRIPE, "units"), rule, "keep one of the two")
    if not any(source.format == STRIPE for source in contract.sources.values()):
        mend = "add for example order: metadata['order_id']"
        found.fault((STRIPE, "units"), "must map at least one unit type", mend, got="")
    for index, name in enumerate(block.secret_env):
        one = isinstance(found.document.get((STRIPE, "secret_env")), str)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            rule = "must be the name of an environment variable, such as STRIPE_WEBHOOK_SECRET"
            # A secret that was written here by mistake is not to be shown.
            at: Path = (STRIPE, "secret_env") if one else (STRIPE, "secret_env", index)
            found.fault(at, rule, "put the secret into a variable and name it here", got="'…'")


def _sees_row(format_: str) -> Sees:
    """An expression over rows of a door sees the columns of its format, and what is between brackets of a map."""
    columns = DOOR_COLUMNS[format_]

    def sees(reference: Reference) -> tuple[str, str] | None:
        if reference.root not in columns:
            maps = " and ".join(f"{name}['…']" for name, type_ in columns.items() if type_.startswith("MAP"))
            return f"must be a column of {format_}", did_you_mean(reference.root, columns, f"use one, or {maps}")
        if len(reference.parts) > 1 and not columns[reference.root].startswith("MAP"):
            return "must be a column, which has no parts", f"write {reference.root}"
        if len(reference.parts) > 1 and ("[" not in reference.text or len(reference.parts) > 2):
            return (
                "must name what is in the map in brackets",
                f"write {reference.root}['{'.'.join(reference.parts[1:])}']",
            )
        return None

    return sees


def _check_mapped(at: Path, mapping: Any, sees: Sees | None, found: Findings, sections: tuple[str, ...]) -> None:
    for section in sections:
        for name, text in getattr(mapping, section).items():
            checked = checked_expression((*at, section, name), text, sees, found)
            if section == "amounts" and checked and checked.divides:
                rule = "divides with /, which leaves exact decimals for floating point"
                found.note((*at, section, name), rule, "multiply by a decimal instead where the last digit matters")


def _check_values(path: Path, attribute: str, checked: Checked | None, found: Findings) -> None:
    """Where the values an expression can give are plain to see, they must be allowed ones."""
    allowed: dict[str, tuple[Callable[[str], bool], str, str]] = {
        "outcome": (_OUTCOMES.__contains__, "must give 'success', 'failure' or null", "use one of these"),
        "currency": (is_currency, "must give an ISO 4217 code", "write for example 'USD'"),
        "type": (
            lambda value: bool(_EVENT_TYPE.fullmatch(value)),
            "must give names of letters, digits and . _ : / -",
            "write for example 'order.completed'",
        ),
    }
    if attribute not in allowed or checked is None:
        return
    accepts, rule, mend = allowed[attribute]
    for value in sorted(checked.literals or ()):
        if not accepts(value):
            found.fault(
                path,
                rule,
                did_you_mean(value, _OUTCOMES if attribute == "outcome" else (), mend),
                shown(value),
            )


def _check_reading(path: Path, source: Source, found: Findings) -> None:
    only_for = {
        "records": ("json",),
        "load": ("json",),
        "delimiter": ("csv",),
        "encoding": ("csv", "ndjson"),
    }
    for option, formats in only_for.items():
        if getattr(source, option) and source.format not in formats:
            rule = f"must be left out with format {source.format} (it belongs to {' and '.join(formats)})"
            found.fault((*path, option), rule, "take it away or correct the format")
    for index, pattern in enumerate(source.path):
        one = isinstance(found.document.get((*path, "path")), str)
        _check_below((*path, "path") if one else (*path, "path", index), pattern, found)
    named: dict[Path, str | None] = {(*path, "load", name): text for name, text in source.load.items()}
    for at, text in {(*path, "records"): source.records, **named}.items():
        if text is not None and not _DOTTED.fullmatch(text):
            found.fault(at, "must be a dotted name such as parent.workflow.id", "correct it")
    if source.timezone is not None:
        _check_timezone((*path, "timezone"), source.timezone, found)
    if source.encoding is not None:
        _check_encoding((*path, "encoding"), source.encoding, found)


def _check_below(path: Path, text: str, found: Findings) -> bool:
    parts = PurePosixPath(text.replace("\\", "/"))
    if text.strip() and not parts.is_absolute() and ".." not in parts.parts and not re.match(r"[A-Za-z]:|~", text):
        return True
    found.fault(path, "must be a path below the project", "write it relative to the project, without ..", shown(text))
    return False


def _check_timezone(path: Path, zone: str, found: Findings) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found.fault(path, "must be an IANA time zone", "write for example Europe/London or UTC")


def _check_encoding(path: Path, encoding: str, found: Findings) -> None:
    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):
        found.fault(path, "must be a known text encoding", "write for example utf-8, utf-16 or latin-1")


def _check_event(
    name: str, event: EventType, contract: Contract, schema: dict[str, Any] | None, found: Findings
) -> None:
    path: Path = ("events", name)
    mend = "declare it under units"
    known = found.known((*path, "unit"), event.unit, declared(found, "units"), "a unit type", mend)
    sees = _sees_event(schema)
    if event.outcome is not None:
        checked = checked_expression((*path, "outcome"), event.outcome, sees, found, outcome_expression)
        _check_values((*path, "outcome"), "outcome", checked, found)
    for attribute in ("currency", "resource", "latency_ms", "intent", "weight", "sampled_by"):
        text = getattr(event, attribute)
        if text is not None:
            _check_values(
                (*path, attribute), attribute, checked_expression((*path, attribute), text, sees, found), found
            )
    _check_mapped(path, event, sees, found, ("segments", "amounts", "usage"))
    if known and schema is not None and event.unit in contract.units:
        _check_carries(path, event, contract, schema, found)


def _check_carries(path: Path, event: EventType, contract: Contract, schema: dict[str, Any], found: Findings) -> None:
    """With a schema it is known which keys and segments an event can carry."""
    unit = contract.units[event.unit]
    if property_at(schema, tuple(unit.key.split("."))) is None:
        rule = f"must carry the key of {event.unit}, {unit.key}, and its schema has no such property"
        mend = did_you_mean(unit.key, schema.get("properties", {}), f"add {unit.key} to {event.schema_path}")
        found.fault((*path, "unit"), rule, mend)
    unseen = [
        segment
        for segment in unit.segments
        if segment not in event.segments and property_at(schema, (segment,)) is None
    ]
    if unseen:
        names = ", ".join(unseen)
        rule = f"never gives {names}: neither its schema nor its segments name them"
        found.note(path, rule, "add them to either, or leave them unknown", got="")


def _schemas(contract: Contract, found: Findings, root: File) -> Iterable[tuple[str, dict[str, Any]]]:
    read: dict[str, dict[str, Any] | None] = {}
    for name, event in contract.events.items():
        path: Path = ("events", name, "schema")
        if event.schema_path is None or not _check_below(path, event.schema_path, found):
            continue
        file = root / event.schema_path
        if not file.is_file():
            found.fault(path, "must be a file that exists", f"write {event.schema_path} or correct the path")
        elif not file.resolve().is_relative_to(root.resolve()):
            found.fault(path, "must be a path below the project", "copy the file into the project")
        else:
            if event.schema_path not in read:
                read[event.schema_path], faults = read_json_schema(file, event.schema_path)
                found.faults += faults
            schema = read[event.schema_path]
            if schema is not None:
                yield name, schema


def _check_bills(contract: Contract, found: Findings) -> None:
    known = (*FOCUS_COLUMNS, "billing_period_start", "billing_period_end")
    for name, bill in contract.bills.items():
        for column, text in bill.charge.items():
            path: Path = ("bills", name, "charge", column)
            found.known(path, column, known, "a FOCUS column in snake_case", "use for example billed_cost")
            checked = checked_expression(path, text, None, found)
            if checked and column.endswith("_cost") and checked.divides:
                found.fault(path, "must not divide money, which would leave exact decimals", "multiply: fee * 0.01")


def _check_meters(contract: Contract, found: Findings) -> None:
    used = {meter for source in contract.sources.values() for meter in source.event.usage}
    used |= {meter for event in contract.events.values() for meter in event.usage}
    for name in contract.meters:
        if name not in used:
            found.note(("meters", name), "is used by no source and no event", "map it as usage, or take it away", "")
    for path, name in _usage_places(contract):
        mend = did_you_mean(name, contract.meters, "", cutoff=0.85)
        if mend and name not in contract.meters:
            found.note(
                path,
                "is a meter that is not declared",
                f"{mend} Otherwise declare it under meters",
                shown(name),
            )


def _usage_places(contract: Contract) -> list[tuple[Path, str]]:
    places: list[tuple[Path, str]] = []
    for name, source in contract.sources.items():
        places += [(("sources", name, "event", "usage", meter), meter) for meter in source.event.usage]
    for name, event in contract.events.items():
        places += [(("events", name, "usage", meter), meter) for meter in event.usage]
    return places


def _sees_facts(contract: Contract) -> Sees:
    """A success rule sees what every event has, whichever source it came from."""
    known = (*_ABOUT_EVENTS, *shown_dimensions(contract), *ACCOUNTS)

    def sees(reference: Reference) -> tuple[str, str] | None:
        if len(reference.parts) == 1 and reference.root in known:
            return None
        rule = "must look at an event's attributes, segments or amounts"
        return rule, did_you_mean(reference.text, known, f"use one of {', '.join(known)}")

    return sees


def _sees_event(schema: dict[str, Any] | None) -> Sees:
    """An event's expressions see its attributes and what its schema allows in data."""

    def sees(reference: Reference) -> tuple[str, str] | None:
        inside = reference.parts[1:]
        if reference.root in EVENT_ATTRIBUTES and not inside:
            return None
        if reference.root != "data":
            mend = did_you_mean(reference.root, (*EVENT_ATTRIBUTES, "data", *_OUTCOMES), f"write data.{reference.text}")
            return "must be an attribute of the event or a path in its data", mend
        if not inside or "[" in reference.text:
            return "must name one value in the event's data", "write a dotted path such as data.total"
        if schema is None:
            return None
        part = property_at(schema, inside)
        if part is None:
            names = _leaves(schema)
            mend = did_you_mean(".".join(inside), names, "add it to the schema, or correct the path")
            return "must be a property of the event's schema", mend
        if "properties" in part or {"object", "array"} & set(kinds_of(part)):
            return "must be a single value of the event's schema", "name a property inside it"
        return None

    return sees


def _leaves(schema: dict[str, Any], at: str = "") -> list[str]:
    names = []
    for name, part in schema.get("properties", {}).items():
        inner = isinstance(part, dict) and "properties" in part
        names += _leaves(part, f"{at}{name}.") if inner else [f"{at}{name}"]
    return names
