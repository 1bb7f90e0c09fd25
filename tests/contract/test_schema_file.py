"""The published JSON Schemas: the same as the code makes, and in agreement with what the code accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from perunit.contract.schema_file import contract_json_schema, price_book_json_schema, published, write

PUBLISHED = Path(__file__).resolve().parents[2] / "schemas"


@pytest.mark.parametrize("name", sorted(published()))
def test_published_schemas_are_up_to_date(name: str) -> None:
    """`python -m perunit.contract.schema_file` was run after the last change of shape."""
    assert (PUBLISHED / name).read_text(encoding="utf-8") == published()[name]


def test_writing_makes_the_folder(tmp_path: Path) -> None:
    """Both files are written, readable as they are."""
    write(tmp_path / "new")
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir()} == published()


@pytest.mark.parametrize("schema", [contract_json_schema(), price_book_json_schema()])
def test_published_schemas_are_json_schema_2020_12(schema: dict[str, Any]) -> None:
    """An editor can use them."""
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


CONTRACT = """
version: 1
units: {order: {owner: a, key: k, success: true}}
sources: {s: {format: csv, path: a.csv, event: {time: t, type: "'x'", units: {order: o}, usage: {n: 1}}}}
allocation: [{name: a, method: even, unit: order}]
"""
BOOK = """
book: aws
version: 1
currency: USD
rates: [{meter: cpu, price: 0.1, per: 1, unit: s, region: eu, effective_from: "2026-01-01"}]
fees: [{event: paid, percentage: 2.9, fixed: "0.30", effective_from: "2026-01-01"}]
"""


@pytest.mark.parametrize(
    ("schema", "text", "path", "value"),
    [
        (contract_json_schema(), CONTRACT, ["sources", "s", "format"], "cvs"),
        (contract_json_schema(), CONTRACT, ["units", "order", "ownr"], "a"),
        (contract_json_schema(), CONTRACT, ["units", "Order"], {"owner": "a", "key": "k"}),
        (price_book_json_schema(), BOOK, ["version"], 0),
        (price_book_json_schema(), BOOK, ["rates", 0, "price"], -1),
    ],
)
def test_an_editor_sees_what_check_sees(schema: dict[str, Any], text: str, path: list[Any], value: object) -> None:
    """A sound file satisfies its schema, and one wrong value does not."""
    document = yaml.safe_load(text)
    validator = Draft202012Validator(schema)
    assert not list(validator.iter_errors(document))
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    assert list(validator.iter_errors(document))
