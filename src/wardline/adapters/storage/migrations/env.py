"""Runs the revisions on the connection, and in the transaction, that `database.py` hands over."""

from alembic import context

from wardline.adapters.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
