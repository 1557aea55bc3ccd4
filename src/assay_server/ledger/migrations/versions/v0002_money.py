"""Prices of a project's own, and re-pricing."""

from alembic import op

from assay_server.ledger.tables import metadata, money

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Checked first: a ledger made anew by 0001 has every table of its day already.
    metadata.create_all(op.get_bind(), tables=[money.own_prices, money.repricings])
