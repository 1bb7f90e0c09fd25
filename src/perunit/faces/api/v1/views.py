"""``/views``: pages as somebody left them, kept for themselves or shared with everybody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from perunit.access.permit import Permission
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.viewer import CurrentViewer  # noqa: TC001 - the framework reads the annotation
from perunit.facts.arrivals import DoorError
from perunit.model.plain import plain_value
from perunit.store.control.models import SavedView, User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from perunit.access.permit import Viewer
    from perunit.live.service import Service

__all__ = ["router"]

_RESPONSES = problem_responses(400, 403, 404, 409, 422, 500, 503)
_VIEWS_MAX = 500
_PAGE = r"^/?[a-z][A-Za-z0-9/_.~%-]{0,190}$"
ViewId = Annotated[int, Path(ge=1, lt=1 << 62)]


class ViewBody(BaseModel):
    """A view to be kept. `state` is the page's query string."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    page: str = Field(max_length=200, pattern=_PAGE, description="A page here, such as `/executive`.")
    state: str = Field(max_length=4_000)
    shared: bool = False


class ViewChange(BaseModel):
    """What changes of a view; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, min_length=1, max_length=100)
    state: str | None = Field(None, max_length=4_000)
    shared: bool | None = None


class ViewKept(BaseModel):
    """A view. `own`: it is the viewer's."""

    id: int
    name: str
    page: str
    state: str
    shared: bool
    own: bool
    owner: str | None
    changed_at: str


class Views(BaseModel):
    """The viewer's own and those that others share, by name."""

    views: list[ViewKept]


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["views"], responses=_RESPONSES)

    @api.get("/views", response_model=Views, operation_id="listViews", summary="One's own views and shared ones")
    async def list_views(viewer: CurrentViewer) -> Any:
        """By name."""
        return {"views": await asyncio.to_thread(_listed, service, viewer)}

    @api.post(
        "/views", response_model=ViewKept, operation_id="saveView", status_code=201, summary="Keep a page as it is"
    )
    async def save_view(viewer: CurrentViewer, body: ViewBody) -> Any:
        """For oneself, or with the permission to share for everybody."""
        if body.shared:
            viewer.permit.require(Permission.SHARE)
        return await asyncio.to_thread(_save, service, viewer, body)

    @api.patch("/views/{view_id}", response_model=ViewKept, operation_id="changeView", summary="Change one's own view")
    async def change_view(viewer: CurrentViewer, view_id: ViewId, body: ViewChange) -> Any:
        """Its name, what it shows, whether it is shared."""
        if body.shared:
            viewer.permit.require(Permission.SHARE)
        return await asyncio.to_thread(_change, service, viewer, view_id, body)

    @api.delete("/views/{view_id}", operation_id="deleteView", status_code=204, summary="Take a view away")
    async def delete_view(viewer: CurrentViewer, view_id: ViewId) -> Response:
        """One's own; an administrator also a shared one."""
        await asyncio.to_thread(_delete, service, viewer, view_id)
        return Response(status_code=204)

    return api


def _is_own(view: SavedView, viewer: Viewer) -> bool:
    """One without an owner was made by who owns the project's files; no key and no person owns those."""
    return view.owner_id == viewer.user_id if viewer.user_id is not None else _is_files_owner(view, viewer)


def _is_files_owner(view: SavedView, viewer: Viewer) -> bool:
    return view.owner_id is None and viewer.via == "owner"


def _listed(service: Service, viewer: Viewer) -> list[dict[str, Any]]:
    with service.control.reading() as session:
        rows = session.execute(
            select(SavedView, User.name)
            .outerjoin(User, User.id == SavedView.owner_id)
            .where(SavedView.shared | (SavedView.owner_id.is_(None) if viewer.user_id is None
                                       else SavedView.owner_id == viewer.user_id))
            .order_by(SavedView.name, SavedView.id)
        ).all()  # fmt: skip
        return [_as_json(view, viewer, owner) for view, owner in rows if view.shared or _is_own(view, viewer)]


def _save(service: Service, viewer: Viewer, body: ViewBody) -> dict[str, Any]:
    if viewer.user_id is None and viewer.via != "owner":
        raise DoorError(403, "Forbidden", "views: are kept for people; this key is of no person who is still here")
    now = service.clock()
    with service.control.session() as session:
        if len(session.scalars(select(SavedView.id).where(SavedView.owner_id == viewer.user_id)).all()) >= _VIEWS_MAX:
            raise DoorError(409, "Conflict", f"views: you have {_VIEWS_MAX} already; take one away first")
        made = SavedView(
            name=body.name, page=body.page, state=body.state, owner_id=viewer.user_id, shared=body.shared,
            created_at=now, changed_at=now,
        )  # fmt: skip
        session.add(made)
        session.flush()
        told = _as_json(made, viewer, viewer.name)
        said = {"name": body.name, "shared": body.shared}
        service.audit.enter(session, viewer, "view_save", str(told["id"]), said)
    return told


def _change(service: Service, viewer: Viewer, number: int, body: ViewChange) -> dict[str, Any]:
    with service.control.session() as session:
        found = _found(session, viewer, number)
        if not _is_own(found, viewer):
            raise DoorError(403, "Forbidden", f"view {number}: is another's; save it under a name of your own")
        for name, value in body.model_dump(exclude_none=True).items():
            setattr(found, name, value)
        found.changed_at = service.clock()
        told = _as_json(found, viewer, viewer.name)
        service.audit.enter(session, viewer, "view_save", str(number), body.model_dump(exclude_none=True))
    return told


def _delete(service: Service, viewer: Viewer, number: int) -> None:
    with service.control.session() as session:
        found = _found(session, viewer, number)
        if not _is_own(found, viewer):
            viewer.permit.require(Permission.PEOPLE)
        service.audit.enter(session, viewer, "view_delete", str(number), {"name": found.name})
        session.delete(found)


def _found(session: Session, viewer: Viewer, number: int) -> SavedView:
    """A view that the viewer sees; what another keeps for themselves is not there."""
    found = session.get(SavedView, number)
    if found is None or not (found.shared or _is_own(found, viewer)):
        raise DoorError(404, "Not Found", f"view {number}: is not there; /views lists them")
    return found


def _as_json(view: SavedView, viewer: Viewer, owner: str | None) -> dict[str, Any]:
    names = ("id", "name", "page", "state", "shared", "changed_at")
    told: dict[str, Any] = plain_value({name: getattr(view, name) for name in names})
    return told | {"own": _is_own(view, viewer), "owner": owner}
