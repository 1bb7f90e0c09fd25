"""Brings the control database to this version. Enters: a connection in a transaction. Leaves: its tables in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perunit.model.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["HEAD", "migrate"]

# The newest file below migrations/versions; a test compares. Known here, so that opening does not read them all.
HEAD = "0002"
_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(connection: Connection) -> None:
    """Runs what is missing. Whoever calls it keeps others out meanwhile.

    Raises StoreError where the database is of a later perunit.
    """
    from alembic.migration import MigrationContext

    found = MigrationContext.configure(connection).get_current_revision()
    if found == HEAD:
        return
    if found is not None and not list(_SCRIPTS.glob(f"versions/{found}_*.py")):
        raise StoreError(f"control database: got version {found}, must be {HEAD} or earlier; use a later perunit")
    _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
