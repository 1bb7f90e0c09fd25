"""Who may sign in and reach what, as perunit.yaml says it: `access` and `control`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from perunit.contract.part import Part

__all__ = ["Access", "Control", "Oidc", "RoleName", "Sessions"]

# As `perunit.access.permit.Role`; a test compares them.
RoleName = Literal["viewer", "product", "oncall", "engineer", "finance", "executive", "admin"]
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+/?$")]


class Oidc(Part):
    """The identity provider people sign in with, by OpenID Connect."""

    issuer: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] = Field(
        description="As the provider names itself, e.g. https://id.example.com; its discovery document lies below."
    )
    client_id: str = Field(min_length=1, description="How the provider knows perunit.")
    client_secret_env: str | None = Field(
        None, description="The environment variable that holds the client's secret; left out for a public client."
    )
    name: str = Field("single sign-on", max_length=60, description="What stands on the button.")
    scopes: tuple[str, ...] = Field(("openid", "profile", "email"), description="What the provider is asked for.")
    roles_claim: str = Field("groups", description="The claim with a person's groups; a dot leads into an object.")
    roles: dict[str, RoleName] = Field(
        {}, description="Group → role. Of several the first of this list counts; it is looked at every sign-in."
    )
    default_role: RoleName | None = Field(
        None, description="The role of who has none of these groups; left out, they are refused."
    )


class Sessions(Part):
    """How long a browser stays signed in."""

    idle_minutes: Annotated[int, Field(ge=1, le=43_200)] = Field(
        120, description="Without a request for so long, it has to sign in again."
    )
    hours_max: Annotated[int, Field(ge=1, le=2_160)] = Field(12, description="In any case after this long.")


class Access(Part):
    """Who may reach what over HTTP."""

    url: Address | None = Field(
        None, description="Where people reach perunit, e.g. https://perunit.example.com, if a proxy stands before it."
    )
    hosts: tuple[Host, ...] = Field((), description="Further names by which it may be addressed.")
    doors: Literal["open", "keys"] | None = Field(
        None,
        description="Who may send facts and scrape: everybody (open), or who has a key (keys). By default keys, and "
        "open where it listens to this machine alone.",
    )
    password_length_min: Annotated[int, Field(ge=8, le=128)] = Field(12, description="How long a password must be.")
    sessions: Sessions = Sessions()
    oidc: Oidc | None = None


class Control(Part):
    """Where people, keys and notes are kept."""

    url_env: str = Field(
        "PERUNIT_CONTROL_URL",
        description="The environment variable with the URL of a PostgreSQL; without it, data/control.db is used.",
    )
