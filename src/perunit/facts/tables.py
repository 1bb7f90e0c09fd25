"""The plan for a source of the contract: any table of facts, one row an event, mapped by scalar expressions.

Rows of files have the columns of the file, rows of a door those of its format, and lines of JSON that come live those
that the source's expressions name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

from perunit.contract.door_formats import COUNTED_FORMATS, DOOR_COLUMNS
from perunit.contract.expression import parse
from perunit.engine.duckdb import identifier, literal
from perunit.facts import attributes
from perunit.facts.attributes import CERTAIN, Value, type_of
from perunit.facts.cloudevents import success_rules
from perunit.facts.doors.formats import DOOR_PRODUCERS, DOOR_RULES
from perunit.facts.json_fields import Fields
from perunit.facts.rules import Rule
from perunit.facts.staging import Kind, Names, Plan, assemble
from perunit.model.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.contract.expression import Reference
    from perunit.contract.project import Project
    from perunit.contract.shape import Source

__all__ = ["match_sql", "plan_lines", "plan_source"]

_FLOATS = {"DOUBLE", "FLOAT"}
# (weight, sampled_by) of rows that say so themselves: a span of unknown probability has no weight, and not 1.
_SAMPLED = {"otlp_spans": ("weight", "trace_id")}


def plan_source(
    project: Project, name: str, names: Names, columns: dict[str, str], now: datetime, *, text: bool, careful: bool
) -> Plan:
    """The plan for source `name` whose rows have `columns` (name → DuckDB type).

    `text` says that the columns of ``incoming`` are still text and are cast here, each failing cast refusing its
    row; otherwise they have their types already. Floating-point columns become decimals before any arithmetic.
    Raises ConfigurationError for an expression that does not fit the columns.
    """
    source = project.contract.sources[name]
    stated = set(columns) if text else set(source.columns) | ({"value"} if source.format in COUNTED_FORMATS else set())
    raw = "CAST(to_json(incoming) AS VARCHAR)" if text else _raw_sql(columns)
    plan = _plan(project, name, names, columns, stated, "incoming", raw, now, careful=careful)
    return plan if text else replace(plan, producer=DOOR_PRODUCERS.get(source.format, "NULL"))


def plan_lines(project: Project, name: str, names: Names, now: datetime, *, careful: bool) -> Plan:
    """The plan for source `name` whose rows are lines of one JSON object each that came live (position, line).

    Its columns are what its expressions name, text unless the source states a type. Raises as `plan_source` does.
    """
    source = project.contract.sources[name]
    if source.event.id is None:
        rule, mend = "must be given for rows that come live", "map what is unique within the source"
        raise _fault(name, "event.id", "", rule, mend)
    columns = _named_columns(name, source)
    fields = Fields()
    raws = ", ".join(f"{fields.raw(tuple(column.split('.')))} AS {identifier(column)}" for column in columns)
    parsed = fields.parsed_sql("incoming", "position, line")
    relation = f"(SELECT position, is_object AS _is_object, {raws} FROM ({parsed}))"
    known = columns | {"_is_object": "BOOLEAN"}
    plan = _plan(project, name, names, known, set(source.columns), relation, "line", now, careful=careful)
    # Read again it is a line again, under the columns that are named then.
    return replace(plan, columns={})


def match_sql(source: Source) -> str:
    """Which rows are the source's, as SQL over the columns of its door's format."""
    checked = parse(source.match)
    references = {reference.text: reference for reference in checked.references}

    def column(text: str) -> str:
        root, *inner = references[text].parts
        return identifier(root) + (f"[{literal(inner[0])}]" if inner else "")

    return checked.render(column)


def _named_columns(name: str, source: Source) -> dict[str, str]:
    """Column → type of all that the expressions of a source name, in the spelling of `columns:` or the first one."""
    found: dict[str, str] = {column.lower(): column for column in source.columns}
    for text in source.expressions():
        for reference in parse(text).references:
            column = ".".join(reference.parts)
            if column.lower() in {"_row", "_file"}:
                rule = "must not be named for rows that come live"
                raise _fault(name, "event", column, rule, "name what the line itself says")
            found.setdefault(column.lower(), column)
    for lower, column in found.items():
        if any(other.startswith(f"{lower}.") for other in found):
            raise _fault(name, "event", column, "must not be both a value and an object", "name one of the two")
    return {column: source.columns.get(column, "VARCHAR") for column in found.values()}


def _raw_sql(columns: dict[str, str]) -> str:
    """SQL of a row of ``incoming`` as JSON. Decimals are text there, because a JSON number may be read as a float."""
    values = {name: f"incoming.{identifier(name)}" for name in columns}
    values |= {n: f"CAST({values[n]} AS VARCHAR)" for n, type_ in columns.items() if type_.startswith("DECIMAL")}
    parts = ", ".join(f"{identifier(name)} := {sql}" for name, sql in values.items())
    return f"CAST(to_json(struct_pack({parts})) AS VARCHAR)"


def _plan(
    project: Project,
    name: str,
    names: Names,
    columns: dict[str, str],
    stated: set[str],
    relation: str,
    raw: str,
    now: datetime,
    *,
    careful: bool,
) -> Plan:
    """The plan over the columns of `relation`, those `stated` still to be cast; `raw` is SQL of a row as text."""
    typed_sql, types, rules = _typed(columns, stated, relation)
    mapper = _RowMapper(project, name, types, careful=careful)
    source = project.contract.sources[name]
    event = source.event
    zone = source.timezone or ("UTC" if source.format in DOOR_COLUMNS else None)
    latest = now + timedelta(hours=project.contract.limits.future_hours)
    mapped: dict[str, Value] = {"source": Value(literal(name))}
    mapped["id"] = mapper.key("id", event.id) if event.id else Value('"c:_id"')
    mapped["event_type"] = mapper.key("type", event.type)
    mapped["event_time"] = mapper.time("time", event.time, zone, latest, "event_time")
    if event.recorded_at:
        mapped["recorded_at"] = mapper.time("recorded_at", event.recorded_at, zone, latest, "recorded_at")
    for unit, text_ in event.units.items():
        mapped[f"unit_{unit}"] = mapper.key(f"units.{unit}", text_)
    for dimension, text_ in event.segments.items():
        mapped[f"segment_{dimension}"] = mapper.key(f"segments.{dimension}", text_)
    for account, text_ in event.amounts.items():
        mapped[account] = mapper.amount(account, text_)
    for meter, text_ in event.usage.items():
        mapped[f"usage_{meter}"] = mapper.measured(
            f"usage.{meter}", text_, "DECIMAL(24, 9)", identifier(f"usage_{meter}")
        )
    if event.latency_ms:
        mapped["latency_ms"] = mapper.measured("latency_ms", event.latency_ms, "DECIMAL(18, 6)", "latency_ms")
    for attribute, expression in (("resource", event.resource), ("intent", event.intent)):
        if expression:
            mapped[attribute] = mapper.key(attribute, expression)
    weight, sampled_by = _SAMPLED.get(source.format, (None, None))
    mapped |= mapper.sampled(event.weight or weight, event.sampled_by or sampled_by)
    mapped |= mapper.outcome(event.outcome) | mapper.currency(event.currency)
    if "_is_object" in columns:
        broken, expected = '"c:_is_object" = false', "must be one JSON object a line; repair the line"
        rules.insert(0, Rule("json", "line", broken, "'text that is no JSON object'", expected))
    rules += DOOR_RULES.get(source.format, ())
    if source.match != "true":
        condition, more = mapper.match(source.match, rules)
        typed_sql = f"SELECT * FROM ({typed_sql}) WHERE {condition}"
        rules += more
    present = tuple(
        Rule("required", place, f"{column} IS NULL", "'nothing'", "must be there; correct the row or the expression")
        for column, place in (("id", "id"), ("event_type", "type"), ("event_time", "time"))
    )
    kind = Kind(0, tuple(event.units), {}, ())
    # Required attributes are judged last, so that a value of the wrong form is named before a missing one.
    last = {"currency": mapped.pop("currency")}
    last["currency"] = Value(last["currency"].sql, (*last["currency"].rules, *present))
    return assemble(
        names, typed_sql, mapped | last, tuple(rules), (kind,), success_rules(project, careful=careful), raw, columns
    )


def _typed(columns: dict[str, str], stated: set[str], relation: str) -> tuple[str, dict[str, str], list[Rule]]:
    """SQL that gives every column as ``c:<name>``, the types these have, and the rules of the casts.

    The columns in `stated` have yet to be given their type, the others have it unless it is a floating one.
    """
    parts, types, rules = [], {}, []
    for name, type_ in columns.items():
        source, column = identifier(name), f"c:{name}"
        target = "DECIMAL(38, 12)" if type_ in _FLOATS else type_
        types[column] = target
        if target == "VARCHAR" or (name not in stated and type_ not in _FLOATS):
            kept = f"CAST({source} AS VARCHAR)" if target == "VARCHAR" else source
            parts.append(f"{kept} AS {identifier(column)}")
            continue
        parts.append(f"{_cast(source, target)} AS {identifier(column)}")
        parts.append(f"CAST({source} AS VARCHAR) AS {identifier('r:' + name)}")
        raw, value = identifier("r:" + name), identifier(column)
        expected = f"must be {target}; correct it or state the column's type under columns"
        rules.append(Rule("type", name, f"{value} IS NULL AND nullif({raw}, '') IS NOT NULL", raw, expected))
    return f"SELECT position, 0 AS kind, {', '.join(parts)} FROM {relation}", types, rules


def _cast(source: str, target: str) -> str:
    text = f"CAST({source} AS VARCHAR)"
    # A map was kept as a JSON object, which is not how the engine writes one.
    return f"TRY_CAST({f'TRY_CAST({text} AS JSON)' if target.startswith('MAP') else text} AS {target})"


def _fault(name: str, place: str, got: str, rule: str, mend: str) -> ConfigurationError:
    return ConfigurationError([Fault("perunit.yaml", None, f"sources.{name}.{place}", repr(got), rule, mend)])


class _RowMapper:
    """Turns a source's expressions into SQL over its typed columns."""

    def __init__(self, project: Project, name: str, types: dict[str, str], *, careful: bool) -> None:
        self._project, self._name, self._types, self._careful = project, name, types, careful
        self._by_lower = {column[2:].lower(): column for column in types}

    def _expression(self, place: str, text: str) -> tuple[str, str, tuple[Rule, ...]]:
        """SQL, its type, and in careful mode the rule that it can be computed."""
        checked = parse(text)
        sql = checked.render(self._column(place, {reference.text: reference for reference in checked.references}))
        type_ = self._type_of(place, text, sql)
        if not self._careful:
            return sql, type_, ()
        value = attributes.evaluated(place, sql)
        return value.sql, type_, value.rules

    def _column(self, place: str, references: dict[str, Reference]) -> Callable[[str], str]:
        def rename(name: str) -> str:
            reference = references[name]
            column = self._by_lower.get(".".join(reference.parts).lower())
            if column is not None:
                return identifier(column)
            root = self._by_lower.get(reference.root)
            if root is not None and self._types[root].startswith("MAP") and len(reference.parts) == 2:
                return f"{identifier(root)}[{literal(reference.parts[1])}]"
            known = ", ".join(sorted(column[2:] for column in self._types))
            raise self._fault(place, name, f"must be a column of the file ({known})", "correct the name")

        return rename

    def _type_of(self, place: str, text: str, sql: str) -> str:
        columns = ", ".join(f"CAST(NULL AS {type_}) AS {identifier(name)}" for name, type_ in self._types.items())
        try:
            return type_of(sql, columns)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise self._fault(
                place, text, f"must fit the file's columns ({reason})", "add a cast or columns:"
            ) from error

    def _fault(self, place: str, got: str, rule: str, mend: str) -> ConfigurationError:
        return _fault(self._name, place if place == "match" else f"event.{place}", got, rule, mend)

    def match(self, text: str, casts: list[Rule]) -> tuple[str, list[Rule]]:
        """Which rows are the source's; beside them, to be refused, those of which it cannot be told.

        That are rows that are no JSON object, rows on which the expression raises, and rows with a column it names
        that broke one of the rules in `casts`.
        """
        sql, _, rules = self._expression("match", text)
        named = {".".join(reference.parts).lower() for reference in parse(text).references}
        unknown = [rule.broken for rule in (*casts, *rules) if rule.place.lower() in {*named, "line", "match"}]
        return " OR ".join(f"({condition})" for condition in (sql, *unknown)), list(rules)

    def key(self, place: str, text: str) -> Value:
        sql, type_, rules = self._expression(place, text)
        return Value(attributes.key_text(sql, type_), rules)

    def amount(self, account: str, text: str) -> Value:
        sql, type_, rules = self._expression(f"amounts.{account}", text)
        value = attributes.amount(f"amounts.{account}", sql, type_, account)
        return Value(value.sql, (*rules, *value.rules))

    def measured(self, place: str, text: str, target: str, column: str) -> Value:
        sql, type_, rules = self._expression(place, text)
        value = attributes.measured(place, sql, type_, target, column)
        return Value(value.sql, (*rules, *value.rules))

    def sampled(self, weight: str | None, sampled_by: str | None) -> dict[str, Value]:
        if weight is None:
            return {"weight": CERTAIN}
        sql, type_, rules = self._expression("weight", weight)
        value = attributes.weight("weight", sql, type_)
        mapped = {"weight": Value(value.sql, (*rules, *value.rules))}
        if sampled_by is not None:
            mapped["sampled_by"] = attributes.sampled_by(self.key("sampled_by", sampled_by))
        return mapped

    def time(self, place: str, text: str, timezone: str | None, latest: datetime, column: str) -> Value:
        sql, type_, rules = self._expression(place, text)
        if timezone is None and re.match(r"TIMESTAMP(_[A-Z]+)?$|DATE$", type_):
            rule, mend = "has times without a zone", "set timezone: of the source, e.g. Europe/London or UTC"
            raise self._fault(place, text, rule, mend)
        value = attributes.time(place, sql, type_, timezone, latest, column)
        return Value(value.sql, (*rules, *value.rules))

    def outcome(self, text: str | None) -> dict[str, Value]:
        if text is None:
            return {}
        sql, _, rules = self._expression("outcome", text)
        value = attributes.outcome("outcome", sql, "outcome")
        return {"outcome": Value(value.sql, (*rules, *value.rules))}

    def currency(self, text: str | None) -> dict[str, Value]:
        default = self._project.contract.currency
        if text is None:
            return {"currency": Value(literal(default))}
        sql, _, rules = self._expression("currency", text)
        value = attributes.currency("currency", sql, default, "currency")
        return {"currency": Value(value.sql, (*rules, *value.rules))}
