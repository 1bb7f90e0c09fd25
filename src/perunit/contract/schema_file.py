"""The published JSON Schemas, for editors. Enters: the typed shapes. Leaves: ``schemas/*.schema.json``.

Run ``python -m perunit.contract.schema_file [FOLDER]`` after a change of shape; a test compares the files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from perunit.contract.prices import price_book_schema
from perunit.contract.read import contract_schema

__all__ = ["contract_json_schema", "price_book_json_schema", "published", "write"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def contract_json_schema() -> dict[str, Any]:
    """What an editor checks perunit.yaml against."""
    return _published(contract_schema(), "perunit.yaml")


def price_book_json_schema() -> dict[str, Any]:
    """What an editor checks prices/*.yaml against."""
    return _published(price_book_schema(), "perunit price book")


def _published(schema: dict[str, Any], title: str) -> dict[str, Any]:
    closed: dict[str, Any] = _closed({"$schema": _DIALECT, **schema, "title": title})
    return closed


def _closed(part: Any) -> Any:
    """The same schema, mappings with a pattern for their keys refusing every other key."""
    if isinstance(part, list):
        return [_closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    closed = {"additionalProperties": False} if "patternProperties" in part else {}
    return {**{name: _closed(each) for name, each in part.items()}, **closed}


def published() -> dict[str, str]:
    """File name → text of every published schema."""
    schemas = {"perunit.schema.json": contract_json_schema(), "prices.schema.json": price_book_json_schema()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}


def write(folder: Path) -> None:
    """Writes the schemas below `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in published().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
