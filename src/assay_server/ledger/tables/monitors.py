"""Monitors, what they last found, and when they run next: owned by `monitors`. Messages: owned by `notify`."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from assay_server.ledger.tables.base import Json, metadata

monitors = Table(
    "monitors",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("definition", Json, nullable=False),  # metric, filter, group_by, rule, window_s, every_s, min_n …
    Column("enabled", Boolean, nullable=False),
    Column("ready_made", Boolean, nullable=False),
    Column("next_ns", BigInteger, nullable=False),  # the schedule: what is past was missed, and is caught up
    Column("evaluated_ns", BigInteger),
    Column("missed", Integer, nullable=False),  # evaluations that came late or were too many to catch up, ever
    Column("revision", Integer, nullable=False),  # grows with every change of the definition and every evaluation
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("project", "name"),
    Index(None, "enabled", "next_ns"),
)

monitor_states = Table(
    "monitor_states",
    metadata,
    Column("monitor", Text, ForeignKey("monitors.id"), primary_key=True),
    Column("group", Text, primary_key=True),  # empty for a monitor without groups
    Column("project", Text, nullable=False),
    Column("status", Text, nullable=False),  # ok | alarm | unknown
    Column("since_ns", BigInteger, nullable=False),
    Column("calm", Integer, nullable=False),  # evaluations in a row without trouble, while in alarm
    Column("incident", Text, ForeignKey("incidents.id")),
    Column("finding", Json, nullable=False),  # the newest
)

monitor_evaluations = Table(
    "monitor_evaluations",
    metadata,
    Column("monitor", Text, ForeignKey("monitors.id"), primary_key=True),
    Column("at_ns", BigInteger, primary_key=True),  # the end of its window, on the schedule
    Column("project", Text, nullable=False),
    Column("done_ns", BigInteger, nullable=False),
    Column("findings", Json, nullable=False),
)

monitor_projects = Table(
    "monitor_projects",
    metadata,
    # Projects that got the ready-made monitors: one that was deleted since does not come back.
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
)

notification_channels = Table(
    "notification_channels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),  # a secret: read to send, never shown, logged or audited
    Column("enabled", Boolean, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("last_sent_ns", BigInteger),
    Column("last_error", Text),
    UniqueConstraint("project", "name"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("dedup", Text, nullable=False),  # says what is told, once: putting it again changes nothing
    Column("incident", Text, nullable=False),
    Column("subject", Text, nullable=False),  # what a silence names
    Column("event", Text, nullable=False),  # opened | resolved
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False),  # waiting | sent | failed | dropped
    Column("attempts", Integer, nullable=False),
    Column("next_ns", BigInteger, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("sent_ns", BigInteger),
    Column("error", Text),
    UniqueConstraint("project", "channel", "dedup"),
    Index(None, "status", "next_ns"),
    Index(None, "project", "created_ns"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("subject", Text),  # NULL: everything in the project
    Column("starts_ns", BigInteger, nullable=False),
    Column("ends_ns", BigInteger),  # NULL: it comes again until somebody ends it
    Column("repeats", Json),  # NULL: all the time between the two; else at which times of which days, and where
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Index(None, "project", "ends_ns"),
)
