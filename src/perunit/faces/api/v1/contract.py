"""``/contract`` and ``/glossary``: what is measured here by whose rules, and what each word means."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from perunit.access.permit import Permission
from perunit.contract.read import CONTRACT_FILE
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.viewer import CurrentViewer, needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service

__all__ = ["glossary_words", "redacted", "router"]

_HIDDEN = "•••"
_SECRET = re.compile(r"(?:^|[._-])(password|passwd|secret|pem|token|credentials?|private[._-]?key|api[._-]?key)$", re.I)
_IN_URL = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


class ContractTold(BaseModel):
    """perunit.yaml and its parts. Values that look like secrets are hidden."""

    text: str
    units: dict[str, Any]
    events: dict[str, Any]
    sources: dict[str, Any]
    meters: dict[str, Any]
    rules: list[dict[str, Any]] = Field(description="By which bills are allocated, in order.")
    schemas: dict[str, Any] = Field(description="JSON Schema of each event type that has one.")


class Word(BaseModel):
    """One entry of the glossary."""

    words: list[str]
    meaning: str
    where: str


class Glossary(BaseModel):
    """Every word, in the order of the documentation."""

    words: list[Word]


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["project"], responses=problem_responses(403, 500, 503))

    @api.get(
        "/contract", response_model=ContractTold, operation_id="readContract", summary="The contract and its parts",
        dependencies=[needs(Permission.OPERATIONAL)],
    )  # fmt: skip
    async def contract(request: Request, viewer: CurrentViewer) -> Response:
        """What counts as a unit, an event and a cost here."""
        project = service.intake.project
        text = await asyncio.to_thread(_text, project.root)

        def work(_: Engine, shape: Contract) -> Any:
            return _told(shape, text) | {"schemas": dict(project.schemas)}

        return await reading_of(service).respond(request, viewer, f"contract {hash(text)}", work)

    @api.get("/glossary", response_model=Glossary, operation_id="readGlossary", summary="What each word means")
    async def glossary(viewer: CurrentViewer) -> Any:  # noqa: ARG001 - whoever is signed in may read it
        """One word per thing, as in the documentation."""
        return {
            "words": [{"words": words, "meaning": meaning, "where": where} for words, meaning, where in _glossary()]
        }

    return api


def _text(root: Path) -> str:
    return redacted((root / CONTRACT_FILE).read_text("utf-8", "replace"))


def _told(contract: Contract, text: str) -> dict[str, Any]:
    # Of the text as shown, so that nothing is told that it hides.
    said = contract.model_dump(mode="json", include={"units", "events", "meters"}, exclude_none=True)
    written = yaml.safe_load(text) if text else {}
    sources = written.get("sources") if isinstance(written, dict) else None
    rules = contract.model_dump(mode="json", include={"allocation"}, exclude_none=True).get("allocation", [])
    return {
        "text": text,
        "units": said["units"],
        "events": said["events"],
        "meters": said["meters"],
        "sources": sources if isinstance(sources, dict) else {},
        "rules": rules if isinstance(rules, list) else [rules],
    }


def redacted(text: str) -> str:
    r"""A contract's text without the values of keys that name a secret, and without passwords in addresses.

    A name of an environment variable is no secret.

    >>> redacted("kafka:\n  options: {sasl.password: hunter2}\n")
    'kafka:\n  options: {sasl.password: •••}\n'
    """
    try:
        found = sorted(set(_secrets(yaml.safe_load(text))), key=len, reverse=True)
    except yaml.YAMLError:
        found = []
    for value in found:
        for line in value.splitlines():
            if line.strip():
                text = text.replace(line.strip(), _HIDDEN)
    return _IN_URL.sub(_HIDDEN, text)


def _secrets(part: Any, hidden: bool = False) -> Iterator[str]:
    """The values below keys that name a secret, but for names of variables."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _secrets(value, hidden or _SECRET.search(str(key)) is not None)
    elif isinstance(part, list):
        for each in part:
            yield from _secrets(each, hidden)
    elif hidden and part is not None and not isinstance(part, bool) and _VARIABLE.fullmatch(str(part)) is None:
        yield str(part)


def _glossary() -> list[tuple[list[str], str, str]]:
    return glossary_words(_glossary_text())


@cache
def _glossary_text() -> str:
    """The documentation's own glossary: a wheel carries it along, a checkout has it in docs."""
    carried = files("perunit.faces.api").joinpath("glossary.md")
    if carried.is_file():
        return carried.read_text("utf-8")
    return (Path(__file__).parents[5] / "docs/glossary.md").read_text("utf-8")


def glossary_words(text: str) -> list[tuple[list[str], str, str]]:
    """The rows of the glossary's tables: words, meaning, where they stand."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        words = re.findall(r"\*\*(.+?)\*\*", cells[0]) if len(cells) == 3 else []
        if words:
            found.append((words, cells[1].replace("\\|", "|"), cells[2].replace("\\|", "|")))
    return found
