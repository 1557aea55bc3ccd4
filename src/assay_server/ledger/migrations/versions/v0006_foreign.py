"""Experiments of MLflow's clients, and the media that clients send beside their spans."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "experiments",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_experiments_project")),
        sa.PrimaryKeyConstraint("project", "number", name=op.f("pk_experiments")),
        sa.UniqueConstraint("project", "name", name=op.f("uq_experiments_project_name")),
    )
    op.create_table(
        "media",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text()),
        sa.Column("file", sa.Text()),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_media_project")),
        sa.PrimaryKeyConstraint("project", "id", name=op.f("pk_media")),
    )
    op.create_index(op.f("ix_media_project_file"), "media", ["project", "file"], unique=False)
    op.create_table(
        "media_links",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("span_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_media_links_project")),
        sa.PrimaryKeyConstraint("project", "trace_id", "media", "span_id", "field", name=op.f("pk_media_links")),
    )
    op.create_index(op.f("ix_media_links_project_media"), "media_links", ["project", "media"], unique=False)
