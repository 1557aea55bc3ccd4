"""What a project lets in, what looks at it, and how much came. Owned by `governance`."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, Table, Text

from assay_server.ledger.tables.base import Json, metadata

quotas = Table(
    "quotas",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("limits", Json, nullable=False),  # {spans_per_day: n, …}; what is not there is not limited
    Column("warn_at", Float, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

sampling = Table(
    "sampling",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("rules", Json, nullable=False),
    Column("tail", Json),
    Column("revision", Integer, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

flags = Table(
    "flags",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("checks", Json, nullable=False),  # [name, …]
    Column("share", Float, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

intake_counts = Table(
    "intake_counts",
    metadata,
    Column("project", Text, primary_key=True),
    Column(
        "what", Text, primary_key=True
    ),  # spans | bytes | refused | sampled_out | drop:<rule> | sample:<rule> | flags.*
    Column("at_ns", BigInteger, primary_key=True),  # the start of the minute
    Column("n", BigInteger, nullable=False),
)
