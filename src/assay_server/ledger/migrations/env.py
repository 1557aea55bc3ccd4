"""Alembic's entry: runs the migrations on the connection that `schema.upgrade` brought, or that `alembic` opens."""

from alembic import context
from sqlalchemy import Connection, create_engine

from assay_server.ledger.schema import VERSION_TABLE
from assay_server.ledger.tables import metadata


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


brought = context.config.attributes.get("connection")
if brought is not None:
    _migrate(brought)
else:
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as opened:
        _migrate(opened)
