"""A deletion may be of one trace."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("deletions", sa.Column("trace_id", sa.Text()))
