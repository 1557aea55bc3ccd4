"""Prices of a project's own, and re-pricing."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "own_prices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("valid_from_ns", sa.BigInteger(), nullable=True),
        sa.Column("rates", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_own_prices_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_prices")),
    )
    op.create_index(op.f("ix_own_prices_project_model"), "own_prices", ["project", "model"], unique=False)
    op.create_table(
        "repricings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("since_ns", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=True),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_repricings_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repricings")),
    )
    op.create_index(op.f("ix_repricings_project_created_ns"), "repricings", ["project", "created_ns"], unique=False)
    op.create_index(op.f("ix_repricings_status"), "repricings", ["status"], unique=False)
