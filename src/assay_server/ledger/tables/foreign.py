"""What clients of other products bring along: spans in pieces, experiments, media. Owned by `ingest`; all text in here
has been scrubbed."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

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

experiments = Table(
    "experiments",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("number", Integer, primary_key=True),  # what MLflow's clients call its id
    Column("name", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    UniqueConstraint("project", "name"),
)

media = Table(
    "media",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("content_type", Text, nullable=False),
    Column("sha256", Text),  # of the content as it was announced, hexadecimal
    Column("file", Text),  # SHA-256 of what is kept, which names the file; NULL until it came
    Column("bytes", BigInteger, nullable=False),  # kept; announced until it came
    Column("created_ns", BigInteger, nullable=False),
    Index(None, "project", "file"),
)

media_links = Table(
    "media_links",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("media", Text, primary_key=True),
    Column("span_id", Text, primary_key=True),  # empty: of the trace as a whole
    Column("field", Text, primary_key=True),  # where it stood: input, output, metadata, or an attachment's name
    Column("created_ns", BigInteger, nullable=False),
    Index(None, "project", "media"),
)
