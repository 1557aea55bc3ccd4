"""What leaves on its own: files on a schedule, spans to another collector. Owned by `outbound`."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from assay_server.ledger.tables.base import Json, metadata

exports = Table(
    "exports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("definition", Json, nullable=False),  # what, filter, format, every, target; no secrets, only their names
    Column("enabled", Boolean, nullable=False),
    Column("next_ns", BigInteger, nullable=False),  # the end of the next window: what is past is to be written
    Column("revision", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("project", "name"),
    Index(None, "enabled", "next_ns"),
)

export_runs = Table(
    "export_runs",
    metadata,
    Column("export", Text, primary_key=True),
    Column("start_ns", BigInteger, primary_key=True),  # of its window
    Column("project", Text, nullable=False),
    Column("end_ns", BigInteger, nullable=False),
    Column("status", Text, nullable=False),  # waiting | running | done | failed
    Column("attempts", Integer, nullable=False),
    Column("next_ns", BigInteger, nullable=False),  # of the next try
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
    Column("file", Text),
    Column("error", Text),
    Column("seen_ns", BigInteger),  # facts stored until then are in the file
    Column("began_ns", BigInteger),
    Column("done_ns", BigInteger),
    Index(None, "status", "next_ns"),
)

forwards = Table(
    "forwards",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("definition", Json, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("stored_ns", BigInteger, nullable=False),  # everything stored until then was sent, or is not to be sent
    Column("sent", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),  # since the last success
    Column("next_ns", BigInteger, nullable=False),
    Column("last_sent_ns", BigInteger),
    Column("last_error", Text),
    Column("updated_ns", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)
