"""Run by Alembic on the connection, and within the transaction, of migrate()."""

from alembic import context

from policy_service.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
