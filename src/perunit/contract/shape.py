"""The typed object that perunit.yaml becomes: units, sources, events, segments, meters and allocation rules.

Field names are the file's own keys. Every text called an expression is a checked scalar SQL expression
(see `expression.py`); shape alone is checked here, what the parts say of each other in `check.py`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from perunit.contract.access import Access, Control
from perunit.contract.door_formats import DOOR_DEFAULTS
from perunit.contract.part import Part
from perunit.contract.privacy import Privacy
from perunit.contract.retention import Retention
from perunit.model.accounts import ACCOUNTS
from perunit.model.money import is_currency

__all__ = [
    "AllocationRule",
    "BlendedMeter",
    "Coalition",
    "Contract",
    "Duration",
    "Endpoint",
    "EventMapping",
    "EventType",
    "Export",
    "Horizon",
    "KafkaLink",
    "KafkaProduce",
    "LabelsFrom",
    "Limits",
    "Meter",
    "Name",
    "Prices",
    "RemoteWrite",
    "Scrape",
    "Segments",
    "Source",
    "Stripe",
    "UnitType",
    "VendorBill",
]

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
EventTypeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$")]
Account = Literal["revenue", "discount", "refund", "fee", "tax", "cost"]
Expression = Annotated[
    str,
    # YAML reads `true` and `1` as values; as expressions they are the text they were.
    BeforeValidator(lambda value: str(value).lower() if isinstance(value, bool) else value),
    StringConstraints(min_length=1, max_length=4000),
    WithJsonSchema({"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": 4000}),
]


def _currency_exists(value: str) -> str:
    if not is_currency(value):
        raise ValueError("must be an ISO 4217 code such as USD; correct it")
    return value


Currency = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{3}$"), AfterValidator(_currency_exists), Field(examples=["USD"])
]
Globs = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]

assert set(Account.__args__) == set(ACCOUNTS)  # type: ignore[attr-defined]  # noqa: S101 - one list


class UnitType(Part):
    """A canonical thing of value: an order, a user, a session, a request, a model call."""

    owner: str = Field(description="The team that answers for it.")
    key: str = Field(description="The attribute that carries its id, e.g. order_id (looked up in an event's data).")
    parent: Name | None = Field(None, description="The unit it belongs to, e.g. an order's user.")
    segments: tuple[Name, ...] = Field((), description="The dimensions it is compared by, e.g. plan, region.")
    success: Expression | None = Field(
        None,
        description="True for the event that means it succeeded; otherwise the event's outcome decides.",
    )
    counted: Literal["opened", "active"] = Field(
        "opened",
        description="opened: a unit counts once, in the window of its first event. "
        "active: it counts in every window in which it has an event (for lasting units such as users).",
    )


class EventMapping(Part):
    """How one row of a source becomes an event; every value is an expression over the row's columns.

    Rows of OTLP have defaults for all but `units`.
    """

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.update(required=["units"]))

    id: Expression | None = Field(None, description="Unique within the source; without it the file's digest and _row.")
    time: Expression
    type: Expression
    units: dict[Name, Expression] = Field(description="Unit type → its id; the first one is what the row is about.")
    segments: dict[Name, Expression] = {}
    outcome: Expression | None = Field(None, description="'success', 'failure' or null where neither applies.")
    amounts: dict[Account, Expression] = {}
    currency: Expression | None = Field(None, description="ISO 4217; the contract's currency where absent.")
    usage: dict[Name, Expression] = Field({}, description="Meter → quantity.")
    resource: Expression | None = Field(None, description="What the usage was measured on, as the bill names it.")
    latency_ms: Expression | None = None
    intent: Expression | None = Field(None, description="Shared by the attempts (retries) of one intent.")
    recorded_at: Expression | None = Field(None, description="When it reached the source; tells how late it is.")
    weight: Expression | None = Field(
        None, description="How many like it stand behind a sampled row: 1 ÷ the probability it was kept with."
    )
    sampled_by: Expression | None = Field(
        None, description="What was kept or dropped as one, such as a trace id; the unit's id where absent."
    )


class LabelsFrom(Part):
    """Another metric whose labels say more of a sample's subject, e.g. kube_pod_labels of a pod."""

    metric: str = Field(description="Its name.")
    on: tuple[str, ...] = Field(min_length=1, description="The labels by which it is found, e.g. [namespace, pod].")


class Source(Part):
    """A table of facts in files, or rows that come through a door: how to read them and how a row becomes an event."""

    format: Literal[
        "csv", "ndjson", "json", "parquet", "otlp_spans", "otlp_metrics", "otlp_logs", "prometheus", "stripe"
    ] = Field(description="Of its files, or of the door its rows come through; ndjson and stripe may be either.")
    match: Expression = Field("true", description="Which rows are the source's; others are ignored and counted.")
    path: Globs = Field((), description="Globs below the project; what `perunit ingest NAME` reads.")
    records: str | None = Field(None, description="json only: the dotted name of the nested array to read.")
    load: dict[Name, str] = Field(
        {},
        description="json only: constants from the enclosing objects, e.g. {workflow: parent.workflow.id}.",
    )
    columns: dict[str, str] = Field({}, description="Column → DuckDB type, where the detected one is wrong.")
    timezone: str | None = Field(None, description="IANA zone of times without an offset, e.g. Europe/London.")
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=4)] | None = None
    encoding: str | None = Field(None, description="csv and ndjson; detected from a BOM, otherwise UTF-8.")
    wait_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        60, description="otlp_spans only: how long a span waits for what the mapping names of its trace."
    )
    labels_from: LabelsFrom | None = Field(
        None, description="prometheus only: another metric, whose labels are added to the samples' own."
    )
    event: EventMapping

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, given: Any) -> Any:
        """A mapping of rows of a door has the door's defaults; what is null in the file stays null."""
        if not isinstance(given, dict) or not isinstance(given.get("event"), dict):
            return given
        defaults = DOOR_DEFAULTS.get(str(given.get("format")), {})
        return {**given, "event": {**defaults, **given["event"]}}

    def expressions(self) -> tuple[str, ...]:
        """Every expression over its rows."""
        event = self.event
        one = [event.id, event.time, event.type, event.outcome, event.currency, event.resource]
        one += [event.latency_ms, event.intent, event.recorded_at, event.weight, event.sampled_by]
        many = (event.units, event.segments, event.amounts, event.usage)
        return (self.match, *(text for text in one if text), *(text for part in many for text in part.values()))


class VendorBill(Part):
    """How the rows of a vendor's bill become charges, where the file is neither FOCUS nor a known export.

    Expressions see the file's columns as text. FOCUS columns of the file count where nothing is said of them.
    """

    charge: dict[Name, Expression] = Field(
        min_length=1,
        description="FOCUS column in snake_case → value, e.g. {billed_cost: fee, charge_period_start: created}.",
    )


class EventType(Part):
    """The contract of one event type for CloudEvents: its JSON Schema and how its data becomes facts.

    Values are expressions over the event's attributes and its data, e.g. ``data.total``, typed by the schema.
    """

    unit: Name = Field(description="What the event is about; it must carry this unit's key.")
    schema_path: str | None = Field(None, alias="schema", description="JSON Schema of data, a path below the project.")
    outcome: Expression | None = Field(None, description="success, failure, or an expression that gives one of them.")
    segments: dict[Name, Expression] = Field({}, description="Where a segment is not simply data.<segment>.")
    amounts: dict[Account, Expression] = {}
    currency: Expression | None = None
    usage: dict[Name, Expression] = {}
    resource: Expression | None = None
    latency_ms: Expression | None = None
    intent: Expression | None = None
    weight: Expression | None = None
    sampled_by: Expression | None = None


class Meter(Part):
    """What a usage quantity counts."""

    unit: str = Field(description="UCUM: By, s, {request}.")
    priced: bool = Field(True, description="false: a measure of work that no price book has to price.")


class Segments(Part):
    """The guard against segment values without bound."""

    limit: Annotated[int, Field(ge=1, le=100_000)] = Field(
        200, description="Values of a dimension shown by name; later ones are summed as __other__."
    )


class Limits(Part):
    """What is too late or too early."""

    late_after_hours: Annotated[int, Field(ge=1)] = Field(24, description="An event recorded later than this is late.")
    future_hours: Annotated[int, Field(ge=0)] = Field(24, description="Further ahead of the clock is refused.")
    hold_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        300, description="How long a gauge still holds what it showed, until its next sample."
    )


Tolerance = Annotated[
    Decimal, Field(ge=0), WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]})
]


class Reconciliation(Part):
    """When a bill ties out with its invoice."""

    tolerance: Tolerance = Field(
        Decimal("0.00"),
        description="How far an invoice's total may be from its lines, in its currency, and still tie out.",
    )


class Prices(Part):
    """How price books come into force."""

    approval: Literal["optional", "required"] = Field(
        "optional", description="required: a version without an approval is not in force."
    )


def _weight(value: Decimal) -> Decimal:
    if value <= 0 or value.adjusted() >= 18:
        raise ValueError("must be above 0 and below 10^18; correct it")
    if value.normalize().as_tuple().exponent < -9:  # type: ignore[operator]  # finite, so a number
        raise ValueError("must have at most 9 decimal places; round it")
    return value


Weight = Annotated[
    Decimal,
    AfterValidator(_weight),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "exclusiveMinimum": 0}),
]


class BlendedMeter(Part):
    """One of several meters that a resource's price is for, e.g. CPU and memory of a node."""

    weight: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        description="What one of it costs beside the others: CPU to memory 9 to 1."
    )
    capacity: Expression = Field(description="How much of the meter the charge bought.")
    at_least: Name | None = Field(None, description="A second meter: what was requested counts, even if unused.")


class Horizon(Part):
    """How long something bought at once is of use."""

    months: Annotated[int, Field(ge=1, le=120)] = Field(description="Calendar months from the charge's first day.")


class Coalition(Part):
    """What serving these units, and no others, would cost."""

    units: tuple[str, ...] = Field(min_length=1, description="Unit keys.")
    cost: Weight = Field(description="In any currency: only proportions matter.")


class Exchange(Part):
    """How amounts in other currencies are converted."""

    max_age_days: Annotated[int, Field(ge=0, le=366)] = Field(
        7, description="How old a reference rate may be on the day it is used; a later one never is."
    )


class AllocationRule(Part):
    """Who bears a bill line; rules are tried in order and the first match takes the line."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    match: Expression = Field("true", description="An expression over the charge's FOCUS columns and tags['…'].")
    method: Literal["direct", "usage", "proportional", "even", "fixed", "step_down", "shapley", "follow"]
    unit: Name | None = Field(
        None,
        description="direct: the unit type whose key the line carries; even: among whom; "
        "fixed, step_down, shapley: whose keys are named.",
    )
    key: Expression | None = Field(None, description="direct: the unit's id, e.g. tags['task'].")
    meter: Name | None = Field(None, description="usage: the measured driver.")
    at_least: Name | None = Field(
        None, description="usage: a second meter; per window, segment and resource the larger of the two counts."
    )
    meters: dict[Name, BlendedMeter] | None = Field(
        None, min_length=1, description="usage: several measured drivers; the line is cut by weight × capacity."
    )
    resource: Expression | None = Field(None, description="usage: the charge's resource, matched to the events'.")
    capacity: Expression | None = Field(
        None,
        description="usage: how much of the meter the charge bought; what was not measured of it is idle.",
    )
    idle: Literal["separate", "share"] = Field(
        "separate",
        description="share: users bear the idle part too, and lines of an unused commitment are split like others.",
    )
    to: str | None = Field(None, description="proportional: the measure whose amounts are the weights.")
    weights: dict[str, Weight] | None = Field(
        None, min_length=1, description="fixed, step_down: unit key → weight; step_down also rule:<name> → weight."
    )
    costs: tuple[Coalition, ...] | None = Field(
        None, min_length=1, description="shapley: what units would cost on their own and together."
    )
    horizon: Horizon | None = Field(
        None, description="proportional, even, fixed: the line is fixed cost, spread over these months."
    )
    of: Expression | None = Field(
        None,
        description="follow: the charges of the same bill that it follows; "
        "without it those of the same invoice and sub account.",
    )

    def targets(self) -> tuple[str, ...]:
        """The rules that shares of this one flow on to."""
        return tuple(key.removeprefix("rule:") for key in self.weights or () if key.startswith("rule:"))


Option = Annotated[
    str,
    # YAML reads `true` and `5` as values; librdkafka takes every setting as the text it was.
    BeforeValidator(lambda value: str(value).lower() if isinstance(value, bool) else value),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
SettingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]


class KafkaProduce(Part):
    """What is told to others: per window and segment, one CloudEvent with the measures of the units in it."""

    topic: str = Field(description="Where the CloudEvents go; the segment is their key.")
    unit: Name | None = Field(None, description="The unit type; the contract's first one where absent.")
    by: tuple[Name, ...] = Field((), description="The dimensions that make a segment; none: one event a window.")
    grain: Literal["minute", "hour", "day"] = Field("hour", description="How long a window is.")
    measures: tuple[str, ...] = Field(min_length=1, description="The measures told, by the names of `perunit query`.")


class KafkaLink(Part):
    """A cluster of Kafka brokers: the topics read as one consumer group, and what is told back."""

    brokers: Globs = Field(min_length=1, description="host:port, one or a list.")
    topics: Globs = Field((), description="Names, or regular expressions that start with ^.")
    group: str | None = Field(None, description="The consumer group, this project's own.")
    format: str | None = Field(
        None, description="cloudevents, otlp_spans, otlp_metrics, otlp_logs, or a source whose format is ndjson."
    )
    start: str = Field(
        "earliest",
        description="Where a topic is begun: earliest, latest, or a time such as 2026-09-01T00:00:00Z.",
    )
    options: dict[SettingName, Option] = Field({}, description="Settings of librdkafka, e.g. security.protocol.")
    secrets: dict[SettingName, str] = Field(
        {}, description="Setting of librdkafka → the environment variable that holds its value."
    )
    produce: KafkaProduce | None = None


Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(s|m|h)$"), Field(examples=["15s"])]


class Endpoint(Part):
    """An HTTP address that perunit calls, and how it makes itself known there."""

    token_variable: str | None = Field(None, description="The environment variable that holds a bearer token.")
    token_file: str | None = Field(None, description="A file that holds a bearer token, read anew for every call.")
    ca_file: str | None = Field(None, description="Certificates that are trusted instead of the system's.")
    verify: bool = Field(True, description="false: the other side's certificate is not checked.")


class Scrape(Endpoint):
    """Exporters that are asked for their samples at an interval; its name is their `job` label."""

    url: Globs = Field(
        min_length=1, description="Where they answer, one or a list; host:port is their `instance` label."
    )
    every: Duration = Field("15s", description="How often they are asked.")
    timeout: Duration = Field("10s", description="How long an answer may take; not longer than `every`.")
    labels: dict[str, str] = Field({}, description="Labels that every sample gets.")
    bytes_max: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        16_000_000, description="The longest answer that is read."
    )


class Export(Part):
    """Measures per segment, as Prometheus scrapes them; the ids of units are never labels."""

    unit: Name | None = Field(None, description="The unit type; the contract's first one where absent.")
    measures: tuple[str, ...] = Field(min_length=1, description="By the names of `perunit query`.")
    by: tuple[Name, ...] = Field((), description="The dimensions that become labels.")
    window: Literal["hour", "day", "month"] = Field("day", description="The running one in UTC is summed.")
    series_max: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        2000, description="Further series are left out, and counted."
    )


class RemoteWrite(Endpoint):
    """Where what `export` names is written to by Prometheus' remote write."""

    url: str = Field(description="For example https://prometheus:9090/api/v1/write.")
    every: Duration = Field("1m", description="How often.")


class Stripe(Part):
    """How Stripe's webhook and its export files are read, and to whom what they tell belongs."""

    secret_env: Globs = Field(
        (),
        description="The environment variable that holds the signing secret of the webhook's endpoint; several while "
        "one is rolled.",
    )
    tolerance_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        300, description="How old a signature may be; an older one is refused as replayed."
    )
    livemode: bool | None = Field(
        None, description="true: only live events and objects are let in; false: only test ones."
    )
    revenue: Literal["charge", "invoice"] = Field(
        "charge", description="What earns: every captured charge, or every paid invoice, never both."
    )
    wait_hours: Annotated[int, Field(ge=0, le=8_760)] = Field(
        72,
        description="How long a refund, dispute or fee waits for the charge it follows; then it counts without a unit.",
    )
    units: dict[Name, Expression] = Field(
        {}, description="Unit type → its id, e.g. {order: \"metadata['order_id']\", user: customer}."
    )
    segments: dict[Name, Expression] = {}
    path: Globs = Field((), description="Globs below the project of export files; what `perunit ingest stripe` reads.")


class Contract(Part):
    """All of perunit.yaml."""

    version: Literal[1]
    currency: Currency = "USD"
    units: dict[Name, UnitType] = Field(min_length=1)
    sources: dict[Name, Source] = {}
    bills: dict[Name, VendorBill] = {}
    events: dict[EventTypeName, EventType] = {}
    meters: dict[Name, Meter] = {}
    segments: Segments = Segments()
    limits: Limits = Limits()
    reconciliation: Reconciliation = Reconciliation()
    prices: Prices = Prices()
    fx: Exchange = Exchange()
    kafka: dict[Name, KafkaLink] = {}
    scrape: dict[Name, Scrape] = {}
    export: dict[Name, Export] = {}
    remote_write: RemoteWrite | None = None
    stripe: Stripe | None = None
    access: Access = Access()
    control: Control = Control()
    privacy: Privacy = Privacy()
    retention: Retention = Retention()
    allocation: tuple[AllocationRule, ...] = ()

    def dimensions(self) -> tuple[str, ...]:
        """Every segment dimension, in the order the file first names them."""
        found: dict[str, None] = {}
        for unit in self.units.values():
            found.update(dict.fromkeys(unit.segments))
        for source in self.sources.values():
            found.update(dict.fromkeys(source.event.segments))
        for event in self.events.values():
            found.update(dict.fromkeys(event.segments))
        return tuple(found)

    def meter_names(self) -> tuple[str, ...]:
        """Every meter, declared or only used, in the order the file first names them."""
        found: dict[str, None] = dict.fromkeys(self.meters)
        for source in self.sources.values():
            found.update(dict.fromkeys(source.event.usage))
        for event in self.events.values():
            found.update(dict.fromkeys(event.usage))
        return tuple(found)

    def lineage(self, unit: str) -> tuple[str, ...]:
        """The unit type and its parents, nearest first; a cycle (refused by `check`) ends where it closes."""
        line: list[str] = []
        step: str | None = unit
        while step is not None and step in self.units and step not in line:
            line.append(step)
            step = self.units[step].parent
        return tuple(line)
