"""Suites and runs. Owned by `evals`. What was answered are facts, in the store; here stands the decision to run."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text

from assay_server.ledger.tables.base import Json, metadata

suites = Table(
    "suites",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("description", Text),
    Column("metrics", Json, nullable=False),  # [{metric, bar?, margin?, direction, slice?, optional}]
    Column("alpha", Float, nullable=False),
    Column("min_items", Integer, nullable=False),
    Column("max_error_rate", Float, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("status", Text, nullable=False),  # queued | running | done | failed | cancelled
    Column("dataset", Text, ForeignKey("dataset_versions.id"), nullable=False),
    Column("dataset_name", Text, nullable=False),
    Column("dataset_version", Integer, nullable=False),
    Column("release", Text, ForeignKey("releases.id")),  # NULL: an endpoint or recorded answers without a release
    Column("endpoint", Text),
    Column("recorded", Integer),  # how many answers were given at the start; NULL: they are asked for
    Column("metrics", Json, nullable=False),  # [{metric, version}]: the checks as they were when the run began
    Column("concurrency", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("total", Integer, nullable=False),  # items × repeats
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("started_ns", BigInteger),
    Column("ended_ns", BigInteger),
    Column("summary", Json),  # the aggregate when it ended; can be computed again from the facts
    Column("error", Text),  # why it failed
    Index(None, "project", "created_ns"),
    Index(None, "status"),
)
