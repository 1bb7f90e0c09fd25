"""``/export``: the whole answer to a question as a file."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from perunit.access.permit import Permission
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.asking import AskedNow, question_of
from perunit.faces.api.v1.figures import note
from perunit.faces.api.v1.reading import not_modified, reading_of, tagged
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.faces.export.tables import MEDIA_TYPES, pieces
from perunit.measures.query import run_query

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service
    from perunit.measures.query import Result

__all__ = ["router"]

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **problem_responses(400, 403, 422, 500, 503, 504),
    200: {
        "description": "The file.",
        "content": {media_type.partition(";")[0]: _BYTES for media_type in MEDIA_TYPES.values()},
    },
}


def router(service: Service) -> APIRouter:
    """The route on a running perunit."""
    api = APIRouter(tags=["figures"])

    @api.get(
        "/export", operation_id="exportFigures", responses=_RESPONSES, response_class=Response,
        summary="The whole answer as a file", dependencies=[needs(Permission.EXPORT)],
    )  # fmt: skip
    async def export(
        request: Request,
        viewer: CurrentViewer,
        asked: AskedNow,
        form: Annotated[Literal["csv", "parquet", "arrow"], Query(alias="format", description="Which file.")] = "csv",
    ) -> Response:
        """As `/query`, complete: without `limit` every row. CSV begins with one line that says what the values are, and
        a text that a spreadsheet would take for a formula has an apostrophe before it.
        """
        # On disk before the figures leave, which the event loop does not wait for.
        await asyncio.to_thread(note, service, viewer, "export", asked)
        reading = reading_of(service)
        key = reading.key(reading.name(viewer, f"export {form} {asked.said()}"))
        if not_modified(request, key):
            return Response(status_code=304, headers=tagged(key))
        question = replace(question_of(asked), limit=asked.limit)

        def work(engine: Engine, contract: Contract) -> Result:
            return run_query(engine, contract, question, permit=viewer.permit)

        result: Result = await reading.read(request, work)
        named = {"Content-Disposition": f'attachment; filename="perunit-{result.measures[0].name}.{form}"'}
        return StreamingResponse(pieces(result, form), media_type=MEDIA_TYPES[form], headers=tagged(key) | named)

    return api
