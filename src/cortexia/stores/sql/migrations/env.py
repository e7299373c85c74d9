"""Alembic's entry: runs revisions on the connection that the caller opened, or writes them out as SQL."""

from __future__ import annotations

from alembic import context

given = context.config.attributes
if context.is_offline_mode():
    context.configure(dialect_name=given["dialect"], literal_binds=True, transactional_ddl=True)
else:
    context.configure(connection=given["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
