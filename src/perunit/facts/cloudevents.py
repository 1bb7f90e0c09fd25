"""The plan for CloudEvents: one JSON object a line, mapped by the contract of its event type."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from perunit.contract.expression import Checked, outcome_expression, parse
from perunit.engine.duckdb import literal
from perunit.facts import attributes
from perunit.facts.attributes import Value, type_of
from perunit.facts.json_fields import Fields, schema_kinds, schema_rules
from perunit.facts.rules import Rule
from perunit.facts.staging import Kind, Names, Plan, assemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.contract.project import Project
    from perunit.contract.shape import EventType

__all__ = ["plan_cloudevents", "success_rules"]

_ATTRIBUTES = (
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "subject",
    "dataschema",
    "datacontenttype",
    "recordedtime",
)


def plan_cloudevents(project: Project, names: Names, now: datetime, *, careful: bool = False) -> Plan:
    """The plan for CloudEvents under the project's contract.

    `careful` evaluates every expression so that a row on which it raises is refused instead of stopping the load;
    it is slower and used only for a group of rows in which something raised.
    """
    fields = Fields()
    latest = now + timedelta(hours=project.contract.limits.future_hours)
    kinds = tuple(
        _kind(code, name, event, project, fields, careful=careful)
        for code, (name, event) in enumerate(project.contract.events.items())
    )
    shared = _shared(fields, latest)
    codes = " ".join(f"WHEN {literal(name)} THEN {code}" for code, name in enumerate(project.contract.events))
    type_ = fields.raw(("type",))
    first = _first_rules(project, fields, type_)
    parsed = fields.parsed_sql("incoming", "position")
    typed = (
        f"SELECT *, CASE {type_} {codes} END AS kind FROM ({parsed})"
        if codes
        else f"SELECT *, NULL AS kind FROM ({parsed})"
    )
    plan = assemble(names, typed, shared, first, kinds, success_rules(project, careful=careful), "line")
    return replace(plan, producer="s.source")


def success_rules(project: Project, *, careful: bool) -> dict[str, str]:
    """Unit type → its success rule over the staged attribute columns; in careful mode null where it raises."""
    rules = {
        unit: parse(part.success).render(_attribute_column(project))
        for unit, part in project.contract.units.items()
        if part.success
    }
    return {unit: f"TRY({sql})" if careful else sql for unit, sql in rules.items()}


def _attribute_column(project: Project) -> Callable[[str], str]:
    """How a success rule names things: type, outcome, segments, accounts."""
    dimensions = set(project.contract.dimensions())

    def rename(name: str) -> str:
        lower = name.lower()
        if lower in dimensions:
            return f'"segment_{lower}"'
        return {"type": '"event_type"', "time": '"event_time"'}.get(lower, f'"{lower}"')

    return rename


def _shared(fields: Fields, latest: datetime) -> dict[str, Value]:
    time = attributes.time("time", fields.raw(("time",)), "VARCHAR", None, latest, "event_time")
    recorded = attributes.time("recordedtime", fields.raw(("recordedtime",)), "VARCHAR", None, latest, "recorded_at")
    return {
        "id": Value(fields.raw(("id",))),
        "source": Value(fields.raw(("source",))),
        "event_type": Value(fields.raw(("type",))),
        "event_time": time,
        "recorded_at": recorded,
    }


def _first_rules(project: Project, fields: Fields, type_: str) -> tuple[Rule, ...]:
    known, mend = ", ".join(project.contract.events) or "none", "correct it, or add it there"
    version = fields.raw(("specversion",))
    return (
        Rule(
            "json", "line", "NOT is_object", "'text that is no JSON object'", "must be one JSON object; repair the line"
        ),
        Rule(
            "cloudevents",
            "specversion",
            f"{version} IS DISTINCT FROM '1.0'",
            version,
            "must be '1.0'; send CloudEvents 1.0",
        ),
        *(
            Rule("required", name, f"coalesce({fields.raw((name,))}, '') = ''", "'nothing'", "must be there; send it")
            for name in ("id", "source", "type", "time")
        ),
        *_encoded_data(project, fields),
        Rule(
            "event type",
            "type",
            "kind IS NULL",
            type_,
            f"must be an event type of the contract ({known[:300]}); {mend}",
        ),
    )


def _encoded_data(project: Project, fields: Fields) -> tuple[Rule, ...]:
    """Data in base64 that is not JSON holds no field; a door that finds JSON there has put it under ``data``."""
    if not project.contract.events:
        return ()
    encoded = fields.raw(("data_base64",))
    broken = f"{encoded} IS NOT NULL AND NOT {fields.present(('data',))}"
    expected = "must be JSON, the contract reads its fields; send it as data"
    return (Rule("cloudevents", "data_base64", broken, f"left({encoded}, 60)", expected),)


def _kind(code: int, name: str, event: EventType, project: Project, fields: Fields, *, careful: bool) -> Kind:
    schema = project.schemas.get(name, {})
    expected = project.contract.lineage(event.unit)
    mapper = _Mapper(fields, schema_kinds(schema), careful=careful)
    mapped: dict[str, Value] = {}
    for unit, part in project.contract.units.items():
        mapped[f"unit_{unit}"] = Value(mapper.field(("data", *part.key.split("."))))
    for dimension in project.contract.dimensions():
        text = event.segments.get(dimension, f"data.{dimension}")
        mapped[f"segment_{dimension}"] = mapper.key(f"segments.{dimension}", text)
    for account, text in event.amounts.items():
        mapped[account] = mapper.amount(account, text)
    for meter, text in event.usage.items():
        mapped[f"usage_{meter}"] = mapper.measured(f"usage.{meter}", text, "DECIMAL(24, 9)", f'"usage_{meter}"')
    if event.latency_ms:
        mapped["latency_ms"] = mapper.measured("latency_ms", event.latency_ms, "DECIMAL(18, 6)", "latency_ms")
    if event.outcome:
        sql, extra = mapper.expression("outcome", outcome_expression(event.outcome), "string")
        value = attributes.outcome("outcome", sql, "outcome")
        mapped["outcome"] = Value(value.sql, (*extra, *value.rules))
    if event.currency:
        sql, extra = mapper.expression("currency", parse(event.currency), "string")
        value = attributes.currency("currency", sql, project.contract.currency, "currency")
        mapped["currency"] = Value(value.sql, (*extra, *value.rules))
    else:
        mapped["currency"] = Value(literal(project.contract.currency))
    for attribute, expression in (("resource", event.resource), ("intent", event.intent)):
        if expression:
            mapped[attribute] = mapper.key(attribute, expression)
    if event.sampled_by:
        mapped["sampled_by"] = attributes.sampled_by(mapper.key("sampled_by", event.sampled_by))
    mapped["weight"] = mapper.weight(event.weight) if event.weight else mapper.sampledrate()
    if beside := _unmapped(schema, mapped):
        # Two deliveries must agree on all that the contract declares; what is kept as a fact is compared itself.
        mapped["payload_hash"] = Value(f"hash({', '.join(fields.raw(path) for path in beside)})")
    return Kind(code, expected, mapped, tuple(schema_rules(fields, schema, ("data",))))


def _unmapped(schema: dict[str, Any], mapped: dict[str, Value]) -> list[tuple[str, ...]]:
    """The fields a schema declares and no attribute is made of."""
    read = set(re.findall(r'"[rnb]:([^"]+)"', " ".join(value.sql for value in mapped.values())))
    declared = (("data", *path) for path in schema_kinds(schema))
    return [path for path in declared if ".".join(path) not in read]


class _Mapper:
    """Turns the expressions of one event type into SQL over its fields."""

    def __init__(self, fields: Fields, kinds: dict[tuple[str, ...], str], *, careful: bool) -> None:
        self._fields, self._kinds, self._careful = fields, kinds, careful

    def field(self, path: tuple[str, ...]) -> str:
        return f"nullif({self._fields.raw(path)}, '')"

    def expression(self, place: str, checked: Checked, assumed: str) -> tuple[str, tuple[Rule, ...]]:
        """SQL of an expression, and in careful mode the rule that it can be computed."""
        paths = {reference.text: reference.parts for reference in checked.references}
        sql = checked.render(lambda name: self._column(paths[name], assumed))
        if not self._careful or re.fullmatch(r'"[^"]+"|\'[^\']*\'', sql):
            return sql, ()
        value = attributes.evaluated(place, sql)
        return value.sql, value.rules

    def _column(self, path: tuple[str, ...], assumed: str) -> str:
        if path[0].lower() == "data":
            path = ("data", *path[1:])
            return self._fields.typed(path, self._kinds.get(path[1:], assumed))
        return self._fields.raw((path[0].lower(),))

    def type_of(self, sql: str) -> str:
        """The type DuckDB gives an expression over raw (text) and typed (number, boolean) columns."""
        types = {"r:": "VARCHAR", "n:": "DECIMAL(38, 12)", "b:": "BOOLEAN"}
        names = dict.fromkeys(re.findall(r'"((?:r|n|b):[^"]+)"', sql))
        columns = ", ".join(f'CAST(NULL AS {types[name[:2]]}) AS "{name}"' for name in names) or "1"
        return type_of(sql, columns)

    def key(self, place: str, text: str) -> Value:
        sql, extra = self.expression(place, parse(text), "string")
        return Value(attributes.key_text(sql, self.type_of(sql)), extra)

    def amount(self, account: str, text: str) -> Value:
        place, checked = f"amounts.{account}", parse(text)
        if plain := self._plain_field(checked):
            # A plain field is judged by the text that was sent, which a typed column would have rounded.
            return attributes.amount(place, self._fields.raw(plain), "VARCHAR", account)
        sql, extra = self.expression(place, checked, "number")
        value = attributes.amount(place, sql, self.type_of(sql), account)
        return Value(value.sql, (*extra, *value.rules))

    def sampledrate(self) -> Value:
        """The weight by CloudEvents' own extension: an event without it is taken to be one of one."""
        raw = self._fields.raw(("sampledrate",))
        value = attributes.weight("sampledrate", raw, "VARCHAR")
        return Value(f"CASE WHEN {raw} IS NULL THEN 1 ELSE {value.sql} END", value.rules)

    def weight(self, text: str) -> Value:
        checked = parse(text)
        if plain := self._plain_field(checked):
            return attributes.weight("weight", self._fields.raw(plain), "VARCHAR")
        sql, extra = self.expression("weight", checked, "number")
        value = attributes.weight("weight", sql, self.type_of(sql))
        return Value(value.sql, (*extra, *value.rules))

    def measured(self, place: str, text: str, target: str, column: str) -> Value:
        checked = parse(text)
        if plain := self._plain_field(checked):
            # Cast from the text at once: from one width of decimal to a narrower one takes ten times as long.
            return attributes.measured(place, self._fields.raw(plain), "VARCHAR", target, column)
        sql, extra = self.expression(place, checked, "number")
        value = attributes.measured(place, sql, self.type_of(sql), target, column)
        return Value(value.sql, (*extra, *value.rules))

    @staticmethod
    def _plain_field(checked: Checked) -> tuple[str, ...] | None:
        """The path of an expression that is nothing but a field of the data."""
        parts = checked.references[0].parts if len(checked.references) == 1 else ()
        same = parts and parse(checked.text).render(str) == checked.references[0].text
        return ("data", *parts[1:]) if same and parts[0].lower() == "data" else None
