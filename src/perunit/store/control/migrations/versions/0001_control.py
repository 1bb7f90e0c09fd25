"""The first tables of the control database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_JSON = sa.JSON().with_variant(JSONB, "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes them."""
    _users()
    _ways_in()
    _notes()
    _records()


def _id() -> sa.Column[Any]:
    return sa.Column("id", _ID, primary_key=True)


def _user(name: str, gone: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _ID, sa.ForeignKey("users.id", ondelete=gone), nullable=nullable)


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _once(name: str, length: int, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), unique=True, nullable=nullable)


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))


def _users() -> None:
    op.create_table(
        "users",
        _id(),
        _once("name", 200),
        sa.Column("email", sa.String(320)),
        _needed("role", sa.String(40)),
        sa.Column("password_hash", sa.Text),
        _once("oidc_subject", 600, nullable=True),
        _needed("rows", _JSON),
        sa.Column("disabled_at", _TIME),
        _needed("created_at", _TIME),
        sa.Column("last_login_at", _TIME),
    )


def _ways_in() -> None:
    op.create_table(
        "sessions",
        _id(),
        _once("token_hash", 64),
        _user("user_id", "CASCADE"),
        _needed("csrf_token", sa.String(64)),
        _needed("created_at", _TIME),
        _needed("last_seen_at", _TIME),
        _needed("expires_at", _TIME),
        sa.Column("address", sa.String(64)),
        sa.Column("agent", sa.String(300)),
    )
    op.create_table(
        "api_keys",
        _id(),
        _needed("name", sa.String(200)),
        _needed("prefix", sa.String(20)),
        _once("key_hash", 64),
        _user("user_id", "SET NULL", nullable=True),
        sa.Column("role", sa.String(40)),
        _needed("scopes", _JSON),
        _needed("rows", _JSON),
        _needed("created_at", _TIME),
        sa.Column("expires_at", _TIME),
        sa.Column("last_used_at", _TIME),
        sa.Column("revoked_at", _TIME),
    )
    op.create_table(
        "tickets",
        _id(),
        _once("token_hash", 64),
        _user("user_id", "CASCADE"),
        _needed("expires_at", _TIME),
        sa.Column("used_at", _TIME),
    )
    for table in ("sessions", "api_keys", "tickets"):
        _index(table, "user_id")
    op.create_table(
        "login_attempts",
        _id(),
        _needed("name", sa.String(200)),
        _needed("address", sa.String(64)),
        _needed("at", _TIME),
        _needed("ok", sa.Boolean),
    )
    for columns in (("name", "at"), ("address", "at"), ("at",)):
        _index("login_attempts", *columns)
    op.create_table(
        "oidc_flows",
        sa.Column("state", sa.String(64), primary_key=True),
        _needed("nonce", sa.String(64)),
        _needed("verifier", sa.String(128)),
        _needed("return_to", sa.Text),
        _needed("expires_at", _TIME),
    )


def _notes() -> None:
    op.create_table(
        "annotations",
        _id(),
        _needed("kind", sa.String(20)),
        _needed("title", sa.String(200)),
        _needed("text", sa.Text),
        _needed("start", _TIME),
        sa.Column("end", _TIME),
        _needed("segments", _JSON),
        sa.Column("url", sa.Text),
        _needed("created_by", sa.String(200)),
        _needed("created_at", _TIME),
        sa.Column("deleted_at", _TIME),
    )
    _index("annotations", "start")
    op.create_table(
        "saved_views",
        _id(),
        _needed("name", sa.String(200)),
        _needed("page", sa.String(200)),
        _needed("state", sa.Text),
        _user("owner_id", "CASCADE", nullable=True),
        _needed("shared", sa.Boolean),
        _needed("created_at", _TIME),
        _needed("changed_at", _TIME),
    )
    _index("saved_views", "owner_id")


def _records() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", _ID, primary_key=True, autoincrement=False),
        _needed("at", _TIME),
        _needed("actor", sa.String(200)),
        _needed("via", sa.String(20)),
        _needed("action", sa.String(40)),
        _needed("target", sa.Text),
        _needed("details", sa.Text),
        sa.Column("address", sa.String(64)),
        _needed("previous_hash", sa.String(64)),
        _once("hash", 64),
    )
    for column in ("at", "actor", "action"):
        _index("audit", column)
    op.create_table("settings", sa.Column("name", sa.String(100), primary_key=True), _needed("value", _JSON))
