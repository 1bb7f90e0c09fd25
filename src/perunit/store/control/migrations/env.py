"""What Alembic runs its scripts with: the connection that `migrate` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from perunit.store.control.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
