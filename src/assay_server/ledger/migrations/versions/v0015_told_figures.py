"""What Prometheus was told, so that no counter falls when facts go."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "told_figures",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_told_figures_project")),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_told_figures")),
    )
