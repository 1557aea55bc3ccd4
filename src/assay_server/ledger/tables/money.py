"""Prices a project set itself, and the re-pricing of stored calls that follows from a change. Owned by `registry`."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from assay_server.ledger.tables.base import Json, metadata

own_prices = Table(
    "own_prices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("model", Text, nullable=False),  # may hold `*`
    Column("provider", Text),  # NULL: whoever serves it
    Column("valid_from_ns", BigInteger),  # NULL: for all time
    Column("rates", Json, nullable=False),  # US dollars per million tokens, as they were given
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Index(None, "project", "model"),
)

repricings = Table(
    "repricings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text),
    Column("since_ns", BigInteger),  # NULL: from the first call on
    Column("status", Text, nullable=False),  # queued | running | done
    Column("calls", Integer),  # stored calls that got another price; NULL until it is done
    Column("created_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
    Index(None, "project", "created_ns"),
    Index(None, "status"),
)
