"""What is kept and what is let go: retention, deletions of people, backups, compactions. Owned by `keeping`."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text

from assay_server.ledger.tables.base import Json, metadata

retention = Table(
    "retention",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("rules", Json, nullable=False),  # [{environment, metadata_days, text_days, scores_days, runs_days}]
    Column("revision", Integer, nullable=False),  # grows with every change: the ETag
    Column("applies_ns", BigInteger, nullable=False),  # no pass under these rules before
    Column("next_ns", BigInteger, nullable=False),  # when the next pass is due
    Column("updated_ns", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

retention_passes = Table(
    "retention_passes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("status", Text, nullable=False),  # running | done | failed
    Column("rules", Json, nullable=False),
    Column("as_of_ns", BigInteger, nullable=False),  # from which the days of the rules are counted back
    Column("removed", Json, nullable=False),  # {what: n} so far
    Column("longest_hold_ms", Float, nullable=False),
    Column("started_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
    Column("error", Text),
    Index(None, "project", "started_ns"),
)

deletions = Table(
    "deletions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("status", Text, nullable=False),  # queued | running | done | failed
    Column("step", Text),  # erasing | rewriting | verifying
    Column("user", Text),  # until it is done, then NULL: afterwards there is only the hash
    Column("user_hash", Text, nullable=False),  # of the user's or the trace's id, with the project's salt
    Column("reason", Text, nullable=False),
    Column("datasets", Text, nullable=False),  # keep | erase
    Column("found", Json, nullable=False),  # what there was when it was asked for
    Column("removed", Json, nullable=False),
    Column("proof", Json),
    Column("requested_ns", BigInteger, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("ended_ns", BigInteger),
    Column("error", Text),
    Column("trace_id", Text),  # of the one trace that goes; NULL of a person
    Index(None, "project", "requested_ns"),
    Index(None, "status"),
)

backups = Table(
    "backups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),  # the first one: a backup holds all of them
    Column("status", Text, nullable=False),  # running | done | failed
    Column("path", Text, nullable=False),
    Column("manifest", Json),
    Column("took_s", Float),
    Column("made_ns", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("verified_ns", BigInteger),
    Column("expires_ns", BigInteger),
    Column("error", Text),
    Index(None, "project", "made_ns"),
)

compactions = Table(
    "compactions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),  # the first one: there is one store for all
    Column("status", Text, nullable=False),  # running | done | failed
    Column("why", Text, nullable=False),  # quiet | asked | deletion
    Column("bytes_before", BigInteger),
    Column("bytes_after", BigInteger),
    Column("held_ms", Float),
    Column("started_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
    Column("error", Text),
    Index(None, "project", "started_ns"),
)
