"""Spans that arrive in pieces, kept until they are whole."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "partial_spans",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("span_id", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("written", sa.Boolean(), nullable=False),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_partial_spans_project")),
        sa.PrimaryKeyConstraint("project", "trace_id", "span_id", name=op.f("pk_partial_spans")),
    )
    op.create_index(
        op.f("ix_partial_spans_written_changed_ns"), "partial_spans", ["written", "changed_ns"], unique=False
    )
