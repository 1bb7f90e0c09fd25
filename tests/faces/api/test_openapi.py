"""The description of the API holds: what it says is answered, whatever is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.faces.serving import Served, in_process, listening

from perunit.faces.api.body import Limits
from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.live.service import Service

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
FEW = settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@schemathesis.serializer("application/x-protobuf", "application/x-ndjson")
def as_bytes(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """Bodies that are no JSON are whatever comes."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running perunit."""
    project = tmp_path_factory.mktemp("shop")
    write_project(project, "ecommerce")
    with in_process(project) as running:
        yield running


@pytest.fixture(scope="module")
def shop(service: Service) -> Iterator[Served]:
    """Its doors."""
    with listening(service, Limits()) as served:
        yield served


def operations(shop: Served) -> Iterator[Any]:
    """Every operation, as the served description has it."""
    document = shop.send("GET", "/api/v1/openapi.json").body
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        # It would take away the key that is asked with.
        if operation.definition.raw.get("operationId") != "revokeKey":
            yield operation


def test_the_description_says_what_there_is(shop: Served) -> None:
    """OpenAPI 3.1, every operation with a summary, its refusals as problems, and no page that loads from elsewhere."""
    answer = shop.send("GET", "/api/v1/openapi.json")
    assert answer.body["openapi"].startswith("3.1")
    for path, methods in answer.body["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            for status, response in operation["responses"].items():
                assert response["description"], (path, status)
    events = answer.body["paths"]["/v1/events"]["post"]
    assert {"200", "400", "408", "413", "415", "422", "429", "500", "503"} <= set(events["responses"])
    assert all("example" in media for media in events["requestBody"]["content"].values())
    # These are addresses of the web app like any other.
    pages = [shop.send("GET", path).body for path in ("/docs", "/redoc", "/")]
    assert pages[0] == pages[1] == pages[2]
    assert "//" not in re.sub(r"<!doctype[^>]*>", "", pages[0], flags=re.I)


def sent_all(shop: Served, strategy: Any) -> None:
    """Sends what a strategy makes; each answer is one that is described, and none is a 5xx."""

    @FEW
    @given(strategy)
    def send(case: schemathesis.Case) -> None:
        headers = {"authorization": f"Bearer {shop.key}"} if case.path.startswith("/api/v1/") else {}
        response = case.call(base_url=shop.address, headers=headers)
        case.validate_response(response, checks=CHECKS)

    send()


def test_no_request_that_fits_breaks_it(shop: Served) -> None:
    """Of every operation."""
    for operation in operations(shop):
        sent_all(shop, operation.as_strategy(generation_mode=GenerationMode.POSITIVE))


@pytest.mark.parametrize("media", ["application/cloudevents+json", "application/cloudevents-batch+json"])
def test_no_event_that_does_not_fit_breaks_it(shop: Served, media: str) -> None:
    """Of other types, with parts left out, with anything in them."""
    (events,) = (operation for operation in operations(shop) if operation.path == "/v1/events")
    sent_all(shop, events.as_strategy(generation_mode=GenerationMode.NEGATIVE, media_type=media))
