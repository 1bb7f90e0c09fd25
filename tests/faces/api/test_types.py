"""The types for those who call the API are those of its routes, and say of a value what it can be."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from perunit.faces.api.types.__main__ import main
from perunit.faces.api.types.python import typed_dicts
from perunit.faces.api.types.shapes import operations_of
from perunit.faces.api.types.typescript import typescript

ROOT = Path(__file__).parents[3]
DESCRIPTION: dict[str, Any] = {
    "paths": {
        "/v1/events": {"post": {"operationId": "outside", "responses": {}}},
        "/api/v1/prices/{book}": {
            "get": {
                "operationId": "readBook",
                "summary": "A book",
                "parameters": [
                    {"in": "path", "name": "book", "required": True, "schema": {"type": "string"}},
                    {"in": "query", "name": "from", "schema": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
                ],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}}},
            }
        },
    },
    "components": {
        "schemas": {
            "B": {
                "type": "object",
                "required": ["price", "rates"],
                "properties": {
                    "price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]},
                    "rates": {"type": "array", "items": {"$ref": "#/components/schemas/R-Output"}},
                    "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
                },
            },
            "R-Output": {
                "type": "object",
                "description": "A rate.",
                "required": ["from"],
                "properties": {
                    "from": {"enum": ["a", "b"]},
                    "amounts": {"type": "array", "items": {"format": "decimal", "type": "string"}},
                },
            },
            "Unreached": {"type": "object", "properties": {}},
        }
    },
}  # fmt: skip


def test_the_written_types_are_those_of_the_routes() -> None:
    """A route that changes without `python -m perunit.faces.api.types` fails here."""
    assert main(["--check"]) == 0


@pytest.mark.skipif(not (ROOT / "web/node_modules").exists(), reason="the web's packages are not installed")
def test_the_typescript_is_as_prettier_and_the_compiler_want_it() -> None:
    """No tool reformats it, and it compiles."""
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("npx is not here")
    for words in (("prettier", "--check"), ("tsc", "--noEmit", "--strict", "--skipLibCheck", "--ignoreConfig")):
        done = subprocess.run([npx, *words, "src/api/schema.d.ts"], cwd=ROOT / "web", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_typescript_has_every_record_that_an_operation_reaches() -> None:
    """Members that may be missing have `?`, decimals are text, and what is outside of the API is left out."""
    text = typescript(*operations_of(DESCRIPTION))
    assert "price: string | null;\n  rates: R_Output[];\n  tags?: Record<string, number>;" in text
    assert 'readBook: {\n    method: "GET";\n    path: "/prices/{book}";' in text
    assert "pathParams: {\n      book: string;\n    };\n    params: {\n      from?: string | null;\n    };" in text
    assert "Unreached" not in text
    assert "outside" not in text


def test_python_has_typed_dicts_that_hold_decimals() -> None:
    """A member named like a word of Python is there too, and `DECIMALS` says where text is a number."""
    text = typed_dicts(*operations_of(DESCRIPTION))
    found: dict[str, Any] = {}
    exec(compile(text, "answers", "exec"), found)
    assert found["B"].__annotations__.keys() == {"price", "rates", "tags"}
    assert found["R_Output"].__annotations__.keys() == {"from", "amounts"}
    assert found["DECIMALS"] == {
        "B": {"price": ("Decimal",), "rates": ("R_Output",)},
        "R_Output": {"amounts": ("Decimal",)},
    }
