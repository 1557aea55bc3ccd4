"""Silences that come again, and need not end."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    with op.batch_alter_table("silences") as table:
        table.add_column(sa.Column("repeats", sa.JSON(none_as_null=True), nullable=True))
        table.alter_column("ends_ns", existing_type=sa.BigInteger(), nullable=True)
