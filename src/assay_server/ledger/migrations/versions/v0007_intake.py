"""What a project lets in: quotas, sampling, and how much came."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("limits", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("warn_at", sa.Float(), nullable=False),
        *_changed(),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_quotas_project")),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_quotas")),
    )
    op.create_table(
        "sampling",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("rules", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("tail", sa.JSON(none_as_null=True), nullable=True),
        *_changed(),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_sampling_project")),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_sampling")),
    )
    op.create_table(
        "intake_counts",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "what", "at_ns", name=op.f("pk_intake_counts")),
    )


def _changed() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
    )
