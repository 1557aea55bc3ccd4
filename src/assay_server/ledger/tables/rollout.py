"""Canaries and their looks, owned by `rollout`; incidents and their timelines, owned by `monitors`."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from assay_server.ledger.tables.base import Json, metadata

canaries = Table(
    "canaries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("baseline", Text, ForeignKey("releases.id"), nullable=False),
    Column("candidate", Text, ForeignKey("releases.id"), nullable=False),
    Column("status", Text, nullable=False),  # running | held | promoted | rolled_back | aborted
    Column("step", Integer, nullable=False),  # from 0
    Column("share", Float, nullable=False),  # percent of units that get the candidate; 0 once it has ended
    Column("plan", Json, nullable=False),  # what was asked for at the start; never changes
    Column("windows", Json, nullable=False),  # [{step, share, since_ns}]: when which share began
    Column("revision", Integer, nullable=False),  # grows with every transition
    Column("pending", Json),  # a transition decided, not yet known to be carried out on the channel
    Column("latest", Json),  # the newest look
    Column("decision", Json),  # {action, sentence, at_ns, by}: what ended or held it
    Column("started_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "project", "started_ns"),
    Index(None, "status"),
)

canary_looks = Table(
    "canary_looks",
    metadata,
    Column("canary", Text, ForeignKey("canaries.id"), primary_key=True),
    Column("units", Integer, primary_key=True),  # seen so far; looks are kept at growing distances
    Column("project", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("body", Json, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("key", Text, nullable=False),  # says what happened, once: opening it again finds this one
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),  # open | acknowledged | resolved
    Column("severity", Text, nullable=False),  # info | warning | critical
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("actions", Json, nullable=False),  # [{label, method, path}]
    Column("opened_ns", BigInteger, nullable=False),
    UniqueConstraint("project", "key"),
    Index(None, "project", "opened_ns"),
)

incident_timeline = Table(
    "incident_timeline",
    metadata,
    Column("incident", Text, ForeignKey("incidents.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),  # 1, 2, 3 …
    Column("project", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False),
)
