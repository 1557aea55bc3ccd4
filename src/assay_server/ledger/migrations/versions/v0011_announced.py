"""Datasets that were announced before they had an item, and items found by their id."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "announced_datasets",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("metadata", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_announced_datasets_project")),
        sa.PrimaryKeyConstraint("project", "name", name=op.f("pk_announced_datasets")),
    )
    op.create_index(op.f("ix_dataset_items_project_item"), "dataset_items", ["project", "item"], unique=False)
