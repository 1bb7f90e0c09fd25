"""What went wrong, as RFC 9457 problem details. Enters: an exception. Leaves: ``application/problem+json``.

Every answer that is not a success has this form, also those of the framework: unknown paths and methods, parameters
that do not fit, and bugs, which say nothing but where to look in the log.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from perunit.access.errors import AccessError, ConflictError, MissingError, SignInError, ThrottledError
from perunit.faces.api.gate import CrossSiteError, UnknownError
from perunit.facts.arrivals import DoorError
from perunit.live.intake import ClosedError, OverloadedError
from perunit.live.reader import BusyError, TookTooLongError
from perunit.model.errors import (
    CheckFailedError,
    ConfigurationError,
    ForbiddenError,
    PerunitError,
    StoreError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

__all__ = ["MEDIA_TYPE", "described", "install", "of_parameters", "problem", "problem_of", "problem_responses"]

MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = 5
_ACCESS: dict[type[AccessError], tuple[int, str]] = {
    SignInError: (401, "Not let in"),
    CrossSiteError: (403, "From another site"),
    MissingError: (404, "Not found"),
    ConflictError: (409, "Conflict"),
}
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


def problem(
    status: int, title: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """A problem as a response; `members` are further members of the object."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    body = {"type": f"urn:perunit:problem:{slug}", "title": title, "status": status, "detail": detail, **members}
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Has the app answer every exception with its problem."""
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(PerunitError, _of_perunit)
    app.add_exception_handler(Exception, _of_bug)


def _of_framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - that is what it is installed for
    title = HTTPStatus(error.status_code).phrase
    detail = f"{request.method} {request.url.path[:200]}: {str(error.detail)[:500]}"
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"{request.url.path[:200]}: is no path here; /api/v1/openapi.json lists them"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"{request.url.path[:200]}: got {request.method[:20]}, must be {allowed}"
    return problem(error.status_code, title, detail, error.headers)


def _of_parameters(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - that is what it is installed for
    errors = [
        {"place": ".".join(map(str, each["loc"])), "got": repr(each.get("input"))[:200], "rule": each["msg"]}
        for each in error.errors()
    ]
    first = errors[0] if errors else {"place": "request", "got": "", "rule": "does not fit"}
    detail = f"{first['place']}: got {first['got']}, {first['rule']}; correct the request"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Parameters do not fit", detail, errors=errors)


def _of_perunit(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PerunitError)  # noqa: S101 - that is what it is installed for
    return problem_of(error)


def problem_of(error: PerunitError) -> JSONResponse:
    """What is answered to an error that a person can mend."""
    if isinstance(error, DoorError):
        return problem(error.status, error.title, error.detail)
    if isinstance(error, OverloadedError):
        seconds = error.retry_after_seconds
        detail = f"too much waits to be stored; send the same again in {seconds} s, nothing of it was kept"
        return problem(429, "Overloaded", detail, {"Retry-After": str(seconds)})
    if isinstance(error, ClosedError):
        return problem(503, "Shutting down", str(error), {"Retry-After": str(_RETRY_SECONDS)})
    if isinstance(error, AccessError):
        return _of_access(error)
    if isinstance(error, ForbiddenError):
        return problem(403, "Forbidden", str(error), permission=error.permission, roles=list(error.roles))
    if isinstance(error, StoreError):
        return problem(503, "Store cannot be written", str(error), {"Retry-After": str(_RETRY_SECONDS)})
    if isinstance(error, TookTooLongError):
        return problem(504, "Took too long", str(error))
    if isinstance(error, BusyError):
        return problem(503, "Busy", str(error), {"Retry-After": str(_RETRY_SECONDS)})
    if isinstance(error, UsageError):
        return problem(400, "Cannot be answered", of_parameters(str(error)))
    if isinstance(error, CheckFailedError):
        return problem(409, "Conflict", of_parameters(str(error)))
    if isinstance(error, ConfigurationError):
        faults = [fault.as_json() for fault in error.faults]
        return problem(409, "Project has faults", str(error), faults=faults)
    return problem(400, "Cannot be done", str(error))


def of_parameters(text: str) -> str:
    """What is said of options of the command line, said of parameters.

    >>> of_parameters("--compare-from: must lie whole days from --from")
    'compare_from: must lie whole days from from'
    """
    return _OPTION.sub(lambda found: found[1].replace("-", "_"), text)


def _of_access(error: AccessError) -> JSONResponse:
    if isinstance(error, UnknownError):
        return problem(401, "Not signed in", str(error), {"WWW-Authenticate": "Bearer"})
    if isinstance(error, ThrottledError):
        seconds = error.retry_after_seconds
        return problem(429, "Too many tries", str(error), {"Retry-After": str(seconds)}, retry_after_seconds=seconds)
    for kind, (status, title) in _ACCESS.items():
        if isinstance(error, kind):
            return problem(status, title, str(error))
    return problem(422, "Cannot be done", str(error))


def _of_bug(request: Request, _: Exception) -> JSONResponse:
    number = getattr(request.state, "request_id", "unknown")
    detail = f"a fault of perunit, not of the request; its log has it under request id {number}"
    return problem(500, "Internal error", detail, request_id=number)


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The place, the value, the rule and the mend."},
    },
}


def described(status: int, text: str, example: str, **members: Any) -> dict[str, Any]:
    """The OpenAPI description of a problem; `members` are the schemas of further members."""
    schema = {**_SCHEMA, "properties": {**_SCHEMA["properties"], **members}}
    title, detail = example.split(": ", 1)
    shown = {"type": f"urn:perunit:problem:{title.lower().replace(' ', '-')}", "title": title, "status": status}
    return {"description": text, "content": {MEDIA_TYPE: {"schema": schema, "example": {**shown, "detail": detail}}}}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI descriptions of problems that many paths share."""
    return {status: described(status, *_SHARED[status]) for status in statuses}


_SHARED = {
    401: (
        "Nobody is signed in, or what was given lets nobody in.",
        "Not signed in: request: nobody is signed in; sign in, or send Authorization: Bearer pu_… with a key",
    ),
    403: (
        "The viewer may not see or do this.",
        "Forbidden: measures:financial is needed, which the roles finance and executive have; ask an administrator",
    ),
    404: ("There is no such thing.", "Not Found: /api/v1/units/order/7: must be the key of a known order"),
    422: (
        "A parameter is missing or does not fit.",
        "Parameters do not fit: query.limit: got '0', Input should be greater than or equal to 1; correct the request",
    ),
    504: (
        "The question took longer than a question may.",
        "Took too long: the question took more than 30 s; ask for a shorter window or fewer dimensions",
    ),
    400: (
        "The body or a header is no such message, or its compression is broken. Nothing was kept.",
        "Broken content coding: body: is no whole gzip (it ends before its end mark), "
        "as Content-Encoding says it is; compress and send it again",
    ),
    405: ("Another method is asked for.", "Method Not Allowed: /v1/events: got GET, must be POST"),
    408: (
        "The body did not come in time.",
        "Request Timeout: body: nothing came for 10 s; send it again, or in smaller parts",
    ),
    409: (
        "It contradicts what is there. Nothing was changed.",
        "Conflict: 2026-05 does not tie out (NMB-2026-05: differs by 12.50 USD); mend the bill, or accept it",
    ),
    413: (
        "The body is larger than is allowed, as sent or when decompressed.",
        "Content too large: body: more than 16,777,216 bytes, that many are allowed; send fewer events at once",
    ),
    415: (
        "Another media type, charset or content coding is asked for.",
        "Unsupported media type: Content-Type: got 'text/csv', must be one of application/cloudevents+json",
    ),
    429: (
        "Too much waits to be stored. Nothing was kept; send the same again after Retry-After seconds.",
        "Overloaded: too much waits to be stored; send the same again in 2 s, nothing of it was kept",
    ),
    500: (
        "A fault of perunit.",
        "Internal error: a fault of perunit, not of the request; its log has it under request id 1c1f",
    ),
    503: (
        "The store cannot be written (a full disk, for one). Nothing was kept; send the same again later.",
        "Store cannot be written: data: cannot be written (No space left on device); free space and run again",
    ),
}
