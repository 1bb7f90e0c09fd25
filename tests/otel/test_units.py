"""Unit ids reach every span of the work they are about, and nothing raises into the application."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator

from perunit.otel import carried, unit, unit_attributes
from perunit.otel.roots import _notes
from perunit.otel.units import ID_CHARACTERS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

ORDER = {"unit.order": "o-1", "unit.type": "order", "unit.id": "o-1"}


def test_every_span_within_carries_the_units(service: Callable[..., Any]) -> None:
    """A span started within the block, at any depth, has the ids, what the work is about, and the segments."""
    shop = service()
    with unit(order="o-1", user=7, segments={"plan": "pro"}), shop.tracer.start_as_current_span("outer"):
        shop.tracer.start_span("inner").end()
    expected = {**ORDER, "unit.user": "7", "segment.plan": "pro"}
    assert shop.attributes("outer") == shop.attributes("inner") == expected
    assert unit_attributes() == {}


def test_the_current_span_and_the_root_learn_what_is_known_late(service: Callable[..., Any]) -> None:
    """An id that is known only deep in the work reaches the span it is said in and the first one of the service."""
    shop = service()
    with (
        shop.tracer.start_as_current_span("request"),
        shop.tracer.start_as_current_span("handler"),
        shop.tracer.start_as_current_span("parse"),
        unit(order="o-1"),
    ):
        pass
    assert shop.attributes("parse") == shop.attributes("request") == ORDER
    assert shop.attributes("handler") == {}


def test_a_root_of_several_units_is_about_none(service: Callable[..., Any]) -> None:
    """Where one request works on two orders its first span carries neither, so no order bears what is common."""
    shop = service()
    with shop.tracer.start_as_current_span("batch"):
        for key in ("o-1", "o-2"):
            with shop.tracer.start_as_current_span(key), unit(order=key, user="u"):
                pass
    assert shop.attributes("batch") == {
        "unit.order": "",
        "unit.user": "u",
        "unit.type": "order",
        "unit.id": "",
    }
    assert shop.attributes("o-2")["unit.order"] == "o-2"


def test_an_outer_unit_stays_what_the_root_is_about(service: Callable[..., Any]) -> None:
    """A user's request that creates an order is about the user, and the order's key is on it too."""
    shop = service()
    with (
        shop.tracer.start_as_current_span("request"),
        shop.tracer.start_as_current_span("work"),
        unit(user="u-1"),
        unit(order="o-1"),
    ):
        shop.tracer.start_span("insert").end()
    assert shop.attributes("request") == {
        "unit.user": "u-1", "unit.type": "user", "unit.id": "u-1", "unit.order": "o-1",
    }  # fmt: skip
    assert shop.attributes("insert") == {**ORDER, "unit.user": "u-1"}


def test_roots_are_not_kept_alive(service: Callable[..., Any]) -> None:
    """What is remembered of the spans of a trace goes with them."""
    shop = service()
    gc.collect()
    before = len(_notes)
    with shop.tracer.start_as_current_span("request"), shop.tracer.start_as_current_span("work"):
        assert len(_notes) == before + 2
    shop.exporter.clear()
    gc.collect()
    assert len(_notes) == before


def test_attributes_can_have_other_names(service: Callable[..., Any]) -> None:
    """The contract's own attribute names are used where the processor is told them; an empty name leaves one out."""
    shop = service(names={"unit.order": "order.id", "unit.type": "", "unit.id": ""})
    with (
        shop.tracer.start_as_current_span("request"),
        shop.tracer.start_as_current_span("parse"),
        unit(order="o-1"),
        shop.tracer.start_as_current_span("work"),
    ):
        pass
    assert [shop.attributes(name) for name in ("request", "parse", "work")] == [{"order.id": "o-1"}] * 3


def test_what_a_span_says_of_itself_stands(service: Callable[..., Any]) -> None:
    """An attribute that the span was started with is not replaced by baggage."""
    shop = service()
    with unit(order="o-1"):
        shop.tracer.start_span("work", attributes={"unit.order": "o-9"}).end()
    assert shop.attributes("work")["unit.order"] == "o-9"


def test_plain_baggage_of_any_language_counts(service: Callable[..., Any]) -> None:
    """Baggage that another language's service has set by hand is enough; other entries are left alone."""
    shop = service()
    carrier = {"baggage": "unit.type=order,unit.id=o%2F1,other=x"}
    came = W3CBaggagePropagator().extract(carrier)
    shop.tracer.start_span("work", context=came).end()
    assert shop.attributes("work") == {"unit.type": "order", "unit.id": "o/1"}


def test_a_decorated_function_is_a_block(service: Callable[..., Any]) -> None:
    """A function runs within the block each time it is called, plain, recursive or async."""
    shop = service()

    @unit(job="nightly")
    def plain(depth: int) -> dict[str, str]:
        return plain(depth - 1) if depth else unit_attributes()

    @unit(job="nightly")
    async def later() -> dict[str, str]:
        await asyncio.sleep(0)
        return unit_attributes()

    expected = {"unit.job": "nightly", "unit.type": "job", "unit.id": "nightly"}
    assert plain(3) == asyncio.run(later()) == expected
    assert unit_attributes() == {}
    assert plain.__name__ == "plain"
    assert shop.spans() == {}


def test_tasks_do_not_mix(service: Callable[..., Any]) -> None:
    """Concurrent tasks of one event loop each carry their own order, also in the tasks they start."""
    shop = service()

    async def work(key: str) -> None:
        with unit(order=key):
            await asyncio.sleep(0)
            await asyncio.gather(*(span(f"{key}/{part}") for part in range(3)))

    async def span(name: str) -> None:
        with shop.tracer.start_as_current_span(name):
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(work(f"o-{number}") for number in range(20)))

    asyncio.run(main())
    found = {name: span.attributes["unit.order"] for name, span in shop.spans().items()}
    assert len(found) == 60
    assert {name.split("/")[0] for name in found} == set(found.values())
    assert all(name.startswith(f"{key}/") for name, key in found.items())


def test_threads_carry_what_they_are_given(service: Callable[..., Any]) -> None:
    """A thread of a pool has no units of its own, and those of its caller where the work is carried."""
    shop = service()
    with ThreadPoolExecutor(4) as pool, unit(order="o-1"):
        bare = pool.submit(unit_attributes).result()
        units = [pool.submit(carried(unit_attributes)).result() for _ in range(8)]
        pool.submit(carried(lambda: shop.tracer.start_span("thread").end())).result()
    assert bare == {}
    assert units == [ORDER] * 8
    assert shop.attributes("thread") == ORDER


class Unprintable:
    """An id that cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("value", ["", " ", "a\nb", "x" * (ID_CHARACTERS_MAX + 1), Unprintable(), "\ud800"])
def test_an_id_that_cannot_be_carried_is_left_out(value: object, caplog: pytest.LogCaptureFixture) -> None:
    """It is neither cut nor altered, the other ids stand, and the log names the unit and not the value."""
    with caplog.at_level(logging.WARNING), unit(order=value, user="u-1"):
        assert unit_attributes() == {"unit.user": "u-1", "unit.type": "user", "unit.id": "u-1"}
    (record,) = caplog.records
    assert "unit order left out" in record.message


def test_an_id_that_is_not_known_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """None says that there is no id yet, which is no fault."""
    with unit(order=None, user="u-1"):
        assert "unit.order" not in unit_attributes()
    assert caplog.records == []


@pytest.mark.parametrize("ids", [{"type": "x"}, {"id": "x"}, {"Order": "x"}, {"größe": "x"}, {"o" * 49: "x"}])
def test_a_name_that_no_contract_can_have_is_left_out(ids: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """Names are those of perunit.yaml; `type` and `id` are taken."""
    with unit(**ids):
        assert unit_attributes() == {}
    assert "left out" in caplog.text


@given(st.text() | st.integers() | st.none() | st.floats() | st.binary())
def test_any_value_passes_a_header_unchanged_or_not_at_all(value: object) -> None:
    """Whatever an application gives as an id: no exception, and what the next service reads is what was set."""
    carrier: dict[str, str] = {}
    logging.disable()
    try:
        with unit(order=value):
            sent = unit_attributes()
            W3CBaggagePropagator().inject(carrier)
    finally:
        logging.disable(logging.NOTSET)
    assert unit_attributes(W3CBaggagePropagator().extract(carrier, context.Context())) == sent


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_a_hostile_baggage_header_cannot_harm(entries: dict[str, object]) -> None:
    """Entries of others are ignored or bounded, whatever they are."""
    came = context.Context()
    for key, value in entries.items():
        came = baggage.set_baggage(f"unit.{key}", value, came)
    found = unit_attributes(came)
    assert len(found) <= 32
    assert all(text.isprintable() and 0 < len(text) <= ID_CHARACTERS_MAX for text in found.values())


SECOND = """
import json, sys
from opentelemetry import baggage, propagate
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from perunit.otel import UnitSpanProcessor
provider, exporter = TracerProvider(), InMemorySpanExporter()
provider.add_span_processor(UnitSpanProcessor())
provider.add_span_processor(SimpleSpanProcessor(exporter))
context = propagate.extract(json.load(sys.stdin))
with provider.get_tracer("second").start_as_current_span("second", context=context):
    pass
(span,) = exporter.get_finished_spans()
print(json.dumps([dict(span.attributes), span.parent.span_id]))
"""


def test_a_second_process_continues_the_unit(service: Callable[..., Any]) -> None:
    """The default propagators (traceparent, baggage) carry the ids to another process, whose spans have them."""
    from opentelemetry import propagate

    shop, headers = service(), dict[str, str]()
    with unit(order="ö 1,2;=%"), shop.tracer.start_as_current_span("first") as first:
        propagate.inject(headers)
        parent = first.get_span_context().span_id
    ran = subprocess.run(
        [sys.executable, "-c", SECOND], input=json.dumps(headers), capture_output=True, text=True, check=True
    )
    attributes, parent_id = json.loads(ran.stdout)
    assert attributes == {"unit.order": "ö 1,2;=%", "unit.type": "order", "unit.id": "ö 1,2;=%"}
    assert parent_id == parent


def test_a_span_that_is_not_recorded_costs_nothing(service: Callable[..., Any]) -> None:
    """Without an SDK, or for a span that is not sampled, baggage is still carried."""
    with trace.use_span(trace.INVALID_SPAN), unit(order="o-1"):
        assert unit_attributes() == ORDER


def test_importing_stays_light() -> None:
    """perunit.otel brings neither the engine nor the rest of perunit into a service."""
    code = (
        "import sys, perunit.otel; "
        "print([m for m in sys.modules if m.split('.')[0] in ('duckdb', 'pydantic', 'pyarrow', 'numpy') "
        "or m.startswith('perunit.') and not m.startswith('perunit.otel')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
