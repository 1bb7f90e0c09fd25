"""``/users``, ``/roles`` and ``/keys``: who has an account, and which programs a key."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the models read it
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from perunit.access import accounts, keys, links
from perunit.access.permit import ROLES, ForbiddenError, Permission, Role, Viewer
from perunit.faces.api.gate import gate_of
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.viewer import CurrentViewer, needs

if TYPE_CHECKING:
    from perunit.live.service import Service
    from perunit.store.control.models import ApiKey, User

__all__ = ["router"]

Id = Annotated[int, Path(ge=1, le=(1 << 63) - 1)]
Rows = dict[Annotated[str, Field(max_length=100)], list[Annotated[str, Field(max_length=1000)]]]


class Account(BaseModel):
    """Somebody who may sign in."""

    id: int
    name: str
    email: str | None
    role: str
    rows: dict[str, list[str]]
    has_password: bool
    through_provider: bool = Field(description="Signs in through the identity provider, whose groups give the role.")
    disabled_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None


class NewAccount(BaseModel):
    """Somebody to let in; without a password, a link signs them in first."""

    name: str = Field(min_length=1, max_length=200)
    role: Role
    email: str | None = Field(None, max_length=320)
    rows: Rows = Field({}, description="Dimension → the only values they see.")


class AccountChange(BaseModel):
    """What changes; what is left out stays."""

    role: Role | None = None
    email: str | None = Field(None, max_length=320)
    rows: Rows | None = None
    disabled: bool | None = None


class TicketAnswer(BaseModel):
    """A link that signs in once."""

    url: str
    hours: int


class RoleEntry(BaseModel):
    """A role, and what it may."""

    name: str
    permissions: list[str]


class Key(BaseModel):
    """A program's key, which cannot be read back."""

    id: int
    name: str
    prefix: str
    made_by: str | None = Field(description="Null: from the command line, or their account is gone.")
    scopes: list[str]
    rows: dict[str, list[str]]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewKey(BaseModel):
    """What a key is for and may do: at most what who makes it may."""

    name: str = Field(min_length=1, max_length=100)
    scopes: list[Permission] = Field(min_length=1)
    rows: Rows = {}
    expires_at: AwareDatetime | None = None


class KeyMade(Key):
    """The key itself, this once."""

    key: str


_ANSWERS: dict[int | str, dict[str, Any]] = problem_responses(400, 401, 403, 404, 409, 413, 422, 500, 503)


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["people"], responses=_ANSWERS)
    _add_users(api, service)
    _add_user(api, service)
    _add_keys(api, service)
    return api


def _add_users(api: APIRouter, service: Service) -> None:
    control = service.control

    @api.get("/users", operation_id="listUsers", dependencies=[needs(Permission.PEOPLE)], summary="Who has an account")
    def list_users() -> list[Account]:
        """By name."""
        with control.reading() as session:
            return [_account(user) for user in accounts.all_users(session)]

    @api.post(
        "/users", status_code=201, operation_id="addUser",
        dependencies=[needs(Permission.PEOPLE), _written_down(service)],
        summary="Make an account",
    )  # fmt: skip
    def add_user(viewer: CurrentViewer, given: NewAccount) -> Account:
        """Its owner signs in with a link first, or through the provider."""
        with control.session() as session:
            user = accounts.add_user(
                session, viewer.permit, service.clock(),
                name=given.name, role=given.role, email=given.email, rows=given.rows,
            )  # fmt: skip
            made = _account(user)
            service.audit.enter(session, viewer, "user_create", made.name, {"role": made.role, "rows": made.rows})
        return made

    @api.get("/roles", operation_id="listRoles", summary="What each role may")
    def list_roles(_: CurrentViewer) -> list[RoleEntry]:
        """In the order of how much that is."""
        return [RoleEntry(name=role, permissions=sorted(permissions)) for role, permissions in ROLES.items()]


def _add_user(api: APIRouter, service: Service) -> None:
    control = service.control
    may = [needs(Permission.PEOPLE), _written_down(service)]

    @api.patch("/users/{id}", operation_id="changeUser", dependencies=may, summary="Change an account")
    def change_user(viewer: CurrentViewer, id: Id, given: AccountChange) -> Account:  # noqa: A002 - the path's word
        """Another role or rows, and being disabled, sign them out at once."""
        with control.session() as session:
            user = accounts.user_by_id(session, id)
            accounts.change_user(session, viewer.permit, user, role=given.role, email=given.email, rows=given.rows)
            if given.disabled is True:
                accounts.disable_user(session, viewer.permit, user, service.clock())
            elif given.disabled is False:
                accounts.enable_user(viewer.permit, user)
            changed = _account(user)
            said = given.model_dump(exclude_unset=True)
            service.audit.enter(session, viewer, "user_change", changed.name, said)
        return changed

    @api.delete(
        "/users/{id}", status_code=204, response_class=Response, operation_id="removeUser", dependencies=may,
        summary="Take an account away",
    )  # fmt: skip
    def remove_user(viewer: CurrentViewer, id: Id) -> Response:  # noqa: A002 - the path's word
        """Keys they made are revoked; what the audit says of them stays."""
        with control.session() as session:
            user = accounts.user_by_id(session, id)
            accounts.remove_user(session, viewer.permit, user, service.clock())
            service.audit.enter(session, viewer, "user_change", user.name, {"removed": True})
        return Response(status_code=204)

    @api.post("/users/{id}/ticket", operation_id="makeTicket", dependencies=may, summary="Make a link to sign in with")
    def make_ticket(request: Request, viewer: CurrentViewer, id: Id) -> TicketAnswer:  # noqa: A002 - the path's word
        """For somebody new, or who forgot the password. It is shown this once."""
        gate = gate_of(request)
        with control.session() as session:
            user = accounts.user_by_id(session, id)
            accounts.require_within(accounts.permit_of(user.role, user.rows), viewer.permit)
            ticket = links.new_ticket(session, user, service.clock())
            service.audit.enter(session, viewer, "user_change", user.name, {"ticket": True})
        return TicketAnswer(url=f"{gate.address(request)}/login?ticket={ticket}", hours=links.TICKET_HOURS)


def _add_keys(api: APIRouter, service: Service) -> None:
    control = service.control
    may = [needs(Permission.KEYS), _written_down(service)]

    @api.get("/keys", operation_id="listKeys", dependencies=[needs(Permission.KEYS)], summary="Programs' keys")
    def list_keys() -> list[Key]:
        """The newest first, revoked ones among them."""
        with control.reading() as session:
            names = {user.id: user.name for user in accounts.all_users(session)}
            return [_key(key, names) for key in keys.all_keys(session)]

    @api.post("/keys", status_code=201, operation_id="makeKey", dependencies=may, summary="Make a key")
    def make_key(viewer: CurrentViewer, given: NewKey) -> KeyMade:
        """The key is in this answer and in no other."""
        _as_person(viewer)
        with control.session() as session:
            made, text = keys.make_key(
                session, viewer, service.clock(),
                name=given.name, scopes=given.scopes, rows=given.rows, expires_at=given.expires_at,
            )  # fmt: skip
            names = {viewer.user_id or 0: viewer.name}
            answer = KeyMade(**_key(made, names).model_dump(), key=text)
            said = {"scopes": answer.scopes, "rows": answer.rows}
            service.audit.enter(session, viewer, "key_create", f"{answer.id} {answer.name}", said)
        return answer

    @api.delete(
        "/keys/{id}", status_code=204, response_class=Response, operation_id="revokeKey", dependencies=may,
        summary="Revoke a key",
    )  # fmt: skip
    def revoke_key(viewer: CurrentViewer, id: Id) -> Response:  # noqa: A002 - the path's word
        """Within two seconds it opens nothing any more."""
        with control.session() as session:
            key = keys.revoke_key(session, id, service.clock())
            service.audit.enter(session, viewer, "key_revoke", f"{key.id} {key.name}")
        return Response(status_code=204)


def _as_person(viewer: Viewer) -> None:
    """A key that makes keys would outlive its own end."""
    if viewer.via == "key":
        raise ForbiddenError(Permission.KEYS)


def _account(user: User) -> Account:
    return Account(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        rows=user.rows,
        has_password=user.password_hash is not None,
        through_provider=user.oidc_subject is not None,
        disabled_at=user.disabled_at,
        created_at=user.created_at,
        last_login_at=user.last_login_at,
    )


def _key(key: ApiKey, names: dict[int, str]) -> Key:
    return Key(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        made_by=names.get(key.user_id) if key.user_id is not None else None,
        scopes=key.scopes,
        rows=key.rows,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )


def _written_down(service: Service) -> Any:
    """A route's dependency: what cannot be written down is not done."""
    return Depends(service.audit.require)
