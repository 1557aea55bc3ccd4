"""Filters that were given a name, dashboards, and what Prometheus was told. Owned by `query`."""

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text

from assay_server.ledger.tables.base import Json, metadata

saved_views = Table(
    "saved_views",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("page", Text, nullable=False),  # which page of the interface it is a view of
    Column("query", Json, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

dashboards = Table(
    "dashboards",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("definition", Json, nullable=False),  # as people write it; checked before it is stored
    Column("revision", BigInteger, nullable=False),  # counts the times it was saved
    Column("updated_ns", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

told_figures = Table(
    "told_figures",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("figures", Json, nullable=False),  # each number of /metrics: what it was in the facts, and what was told
    Column("updated_ns", BigInteger, nullable=False),
)
