"""The audit is only added to: the database refuses to change or delete an entry."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_REFUSED = "audit: entries are only added, never changed or deleted"
_SQLITE = "CREATE TRIGGER audit_no_{0} BEFORE {0} ON audit BEGIN SELECT RAISE(ABORT, '{1}'); END"
_FUNCTION = (
    "CREATE FUNCTION audit_is_added_to() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
)
_POSTGRES = (
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_added_to()"
)


def upgrade() -> None:
    """Adds the triggers."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(_SQLITE.format(change, _REFUSED))
        return
    op.execute(_FUNCTION)
    op.execute(_POSTGRES)
