"""When keys were last used. Of those that are there already, nothing is known of the time before."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    for name in ("used_ns", "noted_ns"):
        op.add_column("keys", sa.Column(name, sa.BigInteger(), nullable=True))
    now = sa.bindparam("now", time.time_ns(), sa.BigInteger())
    op.execute(sa.text("UPDATE keys SET noted_ns = :now").bindparams(now))
