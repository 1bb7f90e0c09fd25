"""``/prices``: price books, their versions and drafts, and how a version comes into force."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from perunit.access.permit import Permission
from perunit.contract.drafts import open_draft
from perunit.contract.read import read_project
from perunit.economics.price.differences import changes
from perunit.faces.api.problems import of_parameters, problem, problem_responses
from perunit.faces.api.v1.asking import instant, window_of
from perunit.faces.api.v1.deciding import Written, as_verb, decide, refuse_rows
from perunit.faces.api.v1.price_models import (
    ApproveBody,
    Approved,
    Book,
    Books,
    Compared,
    DraftBody,
    DraftMade,
    RollbackBody,
)
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.faces.price_changes import (
    RepricesPastError,
    books_with,
    change_json,
    listed_rates,
    loaded,
    note_version,
    past_change,
    preview_json,
    put_in_force,
    roll_back,
    sides,
    taken,
)
from perunit.faces.price_drafts import checked_draft, digest_of, keep_draft, kept_drafts, stamp
from perunit.facts.arrivals import DoorError
from perunit.measures.preview import preview
from perunit.model.errors import CheckFailedError, ConfigurationError
from perunit.model.plain import plain_value
from perunit.wiring import Opened

if TYPE_CHECKING:
    from perunit.access.permit import Viewer
    from perunit.contract.drafts import Draft
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service

__all__ = ["router"]

_RESPONSES = problem_responses(400, 403, 404, 409, 422, 429, 500, 503, 504)
_READ = [needs(Permission.PRICES)]
BookName = Annotated[str, Path(pattern="^[a-z][a-z0-9_-]{0,47}$", description="A book that is there.")]
_VERSIONS = (
    "SELECT b.book, b.version, b.file_name AS file, b.loaded_at, b.withdrawn_at, b.content, a.actor AS approved_by, "
    "a.approved_at, a.reason, a.reprices_past, a.rolled_back_to, min(r.effective_from) AS effective_from, "
    "CASE WHEN bool_or(r.effective_to IS NULL) THEN NULL ELSE max(r.effective_to) END AS effective_to, "
    "count(r.rate_id) AS rates, coalesce(list(DISTINCT r.kind ORDER BY r.kind) FILTER (r.kind IS NOT NULL), []) "
    "AS kinds, "
    "coalesce(list(DISTINCT r.currency ORDER BY r.currency) FILTER (r.currency IS NOT NULL), []) AS currencies "
    "FROM price_books b LEFT JOIN price_approvals a USING (book, version) "
    "LEFT JOIN rates r ON r.book = b.book AND r.version = b.version AND r.base_rate_id IS NULL "
    "GROUP BY ALL ORDER BY b.book, b.version DESC"
)


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["prices"], responses=_RESPONSES)
    _reads(service, api)
    _changes(service, api)
    return api


def _reads(service: Service, api: APIRouter) -> None:
    @api.get(
        "/prices", response_model=Books, operation_id="listBooks", dependencies=_READ,
        summary="Price books, their versions and approvals, and drafts",
    )  # fmt: skip
    async def list_books(request: Request, viewer: CurrentViewer) -> Response:
        """Which version of each is in force, since when, by whose approval."""
        root = service.project.root

        def work(engine: Engine, _: Contract) -> Any:
            return {"books": _books(_opened(service, engine)), "drafts": [each.as_json() for each in kept_drafts(root)]}

        return await reading_of(service).respond(request, viewer, f"prices {stamp(root)}", work)

    @api.get(
        "/prices/{book}", response_model=Book, operation_id="readBook", dependencies=_READ,
        summary="A price book: every version with its rates",
    )  # fmt: skip
    async def read_book(request: Request, viewer: CurrentViewer, book: BookName) -> Response:
        """As `perunit prices list --all --json`, of one book, with the text of each version."""
        root, minute = service.project.root, service.clock().replace(second=0, microsecond=0)

        def work(engine: Engine, _: Contract) -> Any:
            return _book(_opened(service, engine), book)

        return await reading_of(service).respond(request, viewer, f"prices {book} {stamp(root)} {minute}", work)

    @api.get(
        "/prices/{book}/diff", response_model=Compared, operation_id="diffBook", dependencies=_READ,
        summary="What changes between two versions, rate by rate",
    )  # fmt: skip
    async def diff(
        request: Request,
        viewer: CurrentViewer,
        book: BookName,
        from_: Annotated[
            int | None, Query(alias="from", ge=1, le=1_000_000, description="The one before, else.")
        ] = None,
        to: Annotated[str | None, Query(max_length=200, description="A version or a draft; the newest, else.")] = None,
    ) -> Response:
        """As `perunit prices diff --json`."""
        root = service.project.root

        def work(engine: Engine, _: Contract) -> Any:
            return _diff(_opened(service, engine), book, from_, to)

        return await reading_of(service).respond(request, viewer, f"diff {book} {from_} {to!r} {stamp(root)}", work)


def _changes(service: Service, api: APIRouter) -> None:
    @api.post(
        "/prices/{book}/drafts", response_model=DraftMade, operation_id="draftBook",
        dependencies=[needs(Permission.PRICE)], summary="Check a draft, see what it would change, and keep it",
    )  # fmt: skip
    async def draft(viewer: CurrentViewer, book: BookName, body: DraftBody) -> Any:
        """Faults with their places; else the diff, and what stored usage would have come to."""
        refuse_rows(viewer)
        window, rates_of = window_of(body.from_, body.to), instant("rates_of", body.rates_of)

        def work(opened: Opened) -> dict[str, Any]:
            found = checked_draft(opened.project, _known(opened, book), body.text, taken(opened))
            asked: dict[str, Any] = {"window": window, "unit": body.unit, "by": tuple(body.by), "rates_of": rates_of}
            books, now = books_with(opened, found), opened.clock()
            answer = preview(opened.engine, opened.contract, books, now, **asked)
            past = past_change(opened, found, now)
            return {"diff": _against(opened, found), "impact": preview_json(found, answer), "past": past}

        said: dict[str, Any] = {"draft": None, "digest": digest_of(body.text), "faults": []}
        try:
            said |= await as_verb(service, "prices preview", work)
        except ConfigurationError as error:
            faults = [fault.as_json() for fault in error.faults]
            return said | {"faults": faults, "diff": None, "impact": None, "past": None}
        if body.keep:
            with service.audit.about(viewer, "price_draft", book, {"digest": said["digest"]}):
                said["draft"] = keep_draft(service.project.root, book, body.text, body.replaces)
        return said

    @api.post(
        "/prices/{book}/approve", response_model=Approved, operation_id="approveBook", status_code=201,
        dependencies=[needs(Permission.APPROVE)], summary="Put a draft in force as the next version of its book",
    )  # fmt: skip
    async def approve(viewer: CurrentViewer, book: BookName, body: ApproveBody) -> Any:
        """As `perunit prices approve`: refused with 409 where it changes past prices and `reprice_past` is not said."""
        refuse_rows(viewer)

        def work(opened: Opened) -> dict[str, Any]:
            found = _chosen(opened, _known(opened, book), body)
            return put_in_force(opened, found, {"actor": viewer.name, "reason": body.reason}, body.reprice_past)

        asked = body.model_dump(include={"draft", "digest", "reason", "reprice_past"}, exclude_none=True)
        return await _in_force(service, viewer, "prices approve", work, ("price_approve", book, asked))

    @api.post(
        "/prices/{book}/rollback", response_model=Approved, operation_id="rollBackBook", status_code=201,
        dependencies=[needs(Permission.APPROVE)], summary="Put the prices of an earlier version in force again",
    )  # fmt: skip
    async def rollback(viewer: CurrentViewer, book: BookName, body: RollbackBody) -> Any:
        """As `perunit prices rollback`: a new version; nothing is deleted."""
        refuse_rows(viewer)

        def work(opened: Opened) -> dict[str, Any]:
            known = _known(opened, book)
            return roll_back(opened, known, str(body.to), viewer.name, body.reason, body.reprice_past)

        asked = body.model_dump(exclude_none=True)
        return await _in_force(service, viewer, "prices rollback", work, ("price_rollback", book, asked))


async def _in_force(service: Service, viewer: Viewer, purpose: str, work: Any, written: Written) -> Any:
    def noted(opened: Opened) -> dict[str, Any]:
        made: dict[str, Any] = work(opened)
        note_version(opened, service.control, made, viewer.name)
        return made

    try:
        return await decide(service, viewer, purpose, noted, written)
    except RepricesPastError as error:
        return problem(409, "Changes the past", of_parameters(str(error)), past=error.past)


def _opened(service: Service, engine: Engine) -> Opened:
    """The project as it is written now, on a connection that reads."""
    return Opened(read_project(service.project.root), engine, service.clock)


def _known(opened: Opened, book: str) -> str:
    """The name, of a book that is there; raises a problem for any other."""
    if loaded(opened, book) or any(each.name == book for each in opened.project.price_books):
        return book
    raise DoorError(404, "Not Found", f"book {book}: is not there; /prices lists them")


def _books(opened: Opened) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in [*_waiting(opened), *opened.engine.records(_VERSIONS)]:
        entry = found.setdefault(
            row["book"], {"book": row["book"], "in_force": None, "kinds": [], "currencies": [], "versions": []}
        )
        version = _version(row)
        entry["versions"].append(version)
        if version["status"] == "in force":
            entry |= {"in_force": version["version"], "kinds": row["kinds"], "currencies": row["currencies"]}
    return [found[name] for name in sorted(found)]


def _waiting(opened: Opened) -> list[dict[str, Any]]:
    """Versions whose files are there and lack the approval that the contract asks for."""
    held = opened.project.eligible_books
    return [
        {
            "book": book.name, "version": book.version, "file": book.file, "content": book.content,
            "rates": len(book.rates),
            "kinds": [], "currencies": [],
            "effective_from": min((rate.effective_from for rate in book.rates), default=None),
        }
        for book in opened.project.price_books
        if book not in held
    ]  # fmt: skip


_OF_VERSION = (
    *("version", "file", "loaded_at", "withdrawn_at", "approved_by", "approved_at", "reason", "reprices_past"),
    *("rolled_back_to", "effective_from", "effective_to", "rates"),
)


def _version(row: dict[str, Any]) -> dict[str, Any]:
    status = "awaiting approval" if "loaded_at" not in row else "withdrawn" if row["withdrawn_at"] else "in force"
    told: dict[str, Any] = plain_value({name: row.get(name) for name in _OF_VERSION})
    return told | {"status": status}


def _book(opened: Opened, book: str) -> dict[str, Any]:
    rows = [
        row for row in [*_waiting(opened), *opened.engine.records(_VERSIONS)] if row["book"] == _known(opened, book)
    ]
    rates = listed_rates(opened, every=True)
    versions = [_version(row) | {"content": row["content"], "listed": _rates(rates, book, row)} for row in rows]
    drafts = [
        each for each in kept_drafts(opened.project.root) if each.read.book is None or each.read.book.name == book
    ]
    return {
        "book": book,
        "in_force": next((each["version"] for each in versions if each["status"] == "in force"), None),
        "versions": versions,
        "drafts": [each.as_json() | {"text": each.text} for each in drafts],
    }


def _rates(rates: list[dict[str, Any]], book: str, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The rates of one version; those of a draft have its number too, and another status."""
    start, status = f"{book}@{row['version']}/", {"awaiting approval"}
    if "loaded_at" in row:
        status = {"effective", "future", "ended", "withdrawn"}
    found = [rate for rate in rates if rate["rate_id"].startswith(start) and rate["status"] in status]
    return [_rate(rate) for rate in found]


def _rate(rate: dict[str, Any]) -> dict[str, Any]:
    tiers = json.loads(str(rate["tiers"])) if rate["tiers"] else None
    told: dict[str, Any] = plain_value({name: value for name, value in rate.items() if name != "file"})
    return told | {"tiers": tiers}


def _diff(opened: Opened, book: str, start: int | None, end: str | None) -> dict[str, Any]:
    known = _known(opened, book)
    if end is not None and not end.isdecimal():
        found = open_draft(opened.project, _draft_named(opened, known, end), taken(opened))
        return _against(opened, found, start)
    new = f"{known}@{end}" if end else known
    (before, earlier), (after, later) = sides(opened, f"{known}@{start}", new) if start else sides(opened, new, None)
    return _compared(before, earlier, after or "", later)


def _against(opened: Opened, draft: Draft, start: int | None = None) -> dict[str, Any]:
    """What a draft changes, against a version or the newest."""
    name = draft.book.name
    before, earlier = (None, ()) if not loaded(opened, name) else sides(opened, name, name)[0]
    if start is not None:
        before, earlier = sides(opened, f"{name}@{start}", name)[0]
    return _compared(before, earlier, f"{name}@{draft.book.version}", draft.book.rates)


def _compared(before: str | None, earlier: Any, after: str, later: Any) -> dict[str, Any]:
    return {"from": before, "to": after, "changes": [change_json(change) for change in changes(earlier, later)]}


def _draft_named(opened: Opened, book: str, name: str) -> str:
    """The path of a draft of a book, by the name that it is listed with; raises a problem for any other."""
    for each in kept_drafts(opened.project.root):
        if each.path.name == name and (each.read.book is None or each.read.book.name == book):
            return each.path.name
    raise DoorError(404, "Not Found", f"draft {name[:80]!r}: is no draft of {book}; /prices lists them")


def _chosen(opened: Opened, book: str, body: ApproveBody) -> Draft:
    """The draft, or the version that waits, which is to come into force."""
    if (body.draft is None) == (body.version is None):
        raise DoorError(400, "Cannot be answered", "draft, version: must be one of the two; say which comes into force")
    if body.draft is not None:
        name = _draft_named(opened, book, body.draft)
        text = next(each.text for each in kept_drafts(opened.project.root) if each.path.name == name)
        if body.digest not in {None, digest_of(text)}:
            raise CheckFailedError(f"draft {name}: is another text by now; read it again before you approve it")
        return open_draft(opened.project, name, taken(opened))
    for row in _waiting(opened):
        if (row["book"], row["version"]) == (book, body.version):
            return open_draft(opened.project, row["file"].rsplit("/", 1)[-1], taken(opened))
    raise DoorError(404, "Not Found", f"{book}@{body.version}: does not wait for approval; /prices lists what does")
