"""Spans that arrive in pieces, until they are whole. Owned by `ingest`; what is in here has been scrubbed."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from assay_server.ledger.tables.base import Json, metadata

partial_spans = Table(
    "partial_spans",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("span_id", Text, primary_key=True),
    Column("body", Json, nullable=False),  # the pieces so far, merged
    Column("finished", Boolean, nullable=False),  # its end is known
    Column("written", Boolean, nullable=False),  # it is a fact now; kept for a while to know it when a piece comes late
    Column("changed_ns", BigInteger, nullable=False),
    Index(None, "written", "changed_ns"),
)
