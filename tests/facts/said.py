"""What a store says of rows it was given: for the tests of what comes in."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.invariants.company import CONTRACT, Company

from perunit.contract.shape import Contract

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.engine.duckdb import Engine
    from perunit.pipeline import FileReport

NOT_JSON = ("json", "line", "text that is no JSON object", "must be one JSON object; repair the line")


def event(**given: Any) -> dict[str, Any]:
    """A CloudEvent as it should be, but for what is given; `...` leaves an attribute out."""
    usual = {
        "specversion": "1.0", "id": "a", "source": "shop", "type": "order.completed",
        "time": "2026-03-01T00:00:00Z", "data": {"order_id": "o1", "total": "1"},
    }  # fmt: skip
    return {name: value for name, value in (usual | given).items() if value is not ...}


def line(**given: Any) -> str:
    """The same as one line of JSON."""
    return json.dumps(event(**given), ensure_ascii=False)


def numbered(name: str, values: list[Any]) -> list[str]:
    """An event for each value of a field of the data, with its place in the list as id; `...` leaves it out."""
    every = [{} if value is ... else {name: value} for value in values]
    return [line(id=f"{number:02}", data={"order_id": "o1"} | data) for number, data in enumerate(every)]


def table_contract(format_: str, source: dict[str, Any] | None = None, **mapping: Any) -> Contract:
    """The company's contract with a source `shop` of sales in this format; None leaves a mapping out."""
    usual = {
        "id": "id", "time": "at", "type": "'sale'", "units": {"order": "order_id"}, "amounts": {"revenue": "total"},
    }  # fmt: skip
    kept = {name: value for name, value in (usual | mapping).items() if value is not None}
    return Contract.model_validate(
        deepcopy(CONTRACT) | {"sources": {"shop": {"format": format_, **(source or {}), "event": kept}}}
    )


def table(folder: Path, name: str, content: str | bytes, contract: Contract) -> tuple[Company, FileReport]:
    """A company that has ingested one file of its source `shop`."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    company = Company(folder, contract)
    return company, company.ingest(path, source="shop")[0]


def refusals(engine: Engine) -> list[tuple[Any, ...]]:
    """(position, rule, place, got, expected) of what stands in quarantine."""
    return engine.rows("SELECT position, rule, place, got, expected FROM quarantine ORDER BY position")


def accepted(engine: Engine) -> list[str]:
    """The ids of the accepted events."""
    return [id_ for (id_,) in engine.rows("SELECT id FROM events ORDER BY id")]


def revenue(engine: Engine) -> dict[str, Any]:
    """Event id → revenue."""
    return dict(engine.rows("SELECT id, revenue FROM events"))
