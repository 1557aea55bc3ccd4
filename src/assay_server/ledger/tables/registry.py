"""Prompts, retrieval configs, datasets, releases, verdicts, channels, providers. Owned by `registry`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from assay_server.ledger.tables.base import Json, metadata

prompt_versions = Table(
    "prompt_versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("template", Json, nullable=False),
    Column("variables", Json, nullable=False),
    Column("model", Text),
    Column("parameters", Json, nullable=False),
    Column("output_schema", Json),
    Column("changelog", Json),
    Column("metadata", Json, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("project", "name", "version"),
    UniqueConstraint("project", "name", "content_hash"),
)

retrieval_configs = Table(
    "retrieval_configs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("settings", Json, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("project", "name", "version"),
    UniqueConstraint("project", "name", "content_hash"),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("description", Text),
    Column("items", Integer, nullable=False),
    Column("scrubbed", Json, nullable=False),  # {entity type: how many texts held it}
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("project", "name", "version"),
    UniqueConstraint("project", "name", "content_hash"),
)

item_contents = Table(
    "item_contents",
    metadata,
    # Once per content, however many versions hold it.
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("content_hash", Text, primary_key=True),
    Column("content", Json, nullable=False),
)

dataset_items = Table(
    "dataset_items",
    metadata,
    Column("project", Text, nullable=False),
    Column("dataset_version", Text, ForeignKey("dataset_versions.id"), primary_key=True),
    Column("position", Integer, primary_key=True),  # from 0, in the order they were given
    Column("item", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    UniqueConstraint("dataset_version", "item"),
    Index(None, "project", "item"),
    ForeignKeyConstraint(["project", "content_hash"], ["item_contents.project", "item_contents.content_hash"]),
)

announced_datasets = Table(
    "announced_datasets",
    metadata,
    # What was said of a dataset as a whole, maybe before it has an item and thereby a version.
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("description", Text),
    Column("metadata", Json, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("prompts", Json, nullable=False),  # {role: prompt version id}
    Column("model", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("output_schema", Json),
    Column("retrieval_config", Text, ForeignKey("retrieval_configs.id")),
    Column("guard_policy", Json),
    Column("code_ref", Text),
    Column("changelog", Text),
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("project", "name", "version"),
    UniqueConstraint("project", "name", "content_hash"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("verdict", Text, nullable=False),  # pass | fail | inconclusive
    Column("release", Text, ForeignKey("releases.id")),  # NULL: the run tested no release
    Column("run", Text, nullable=False),
    Column("baseline_run", Text),
    Column("suite", Text, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("n", Integer, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("details", Json, nullable=False),  # whatever else it was computed from
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Index(None, "project", "release"),
    Index(None, "project", "created_ns"),
)

channels = Table(
    "channels",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("requires_gate", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),  # grows with every change: the ETag
    Column("release", Text, ForeignKey("releases.id")),
    Column("since_ns", BigInteger),
    Column("by", Text),
    Column("reason", Text),
    # A canary in progress: its candidate and the share of units, in percent, that gets it.
    Column("canary", Text),
    Column("candidate", Text, ForeignKey("releases.id")),
    Column("share", Float),
)

channel_history = Table(
    "channel_history",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("seq", Integer, nullable=False),  # 1, 2, 3 … within the channel
    Column("at_ns", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("from", Text),
    Column("to", Text),
    Column("reason", Text),
    Column("verdict", Text),
    Column("canary", Text),
    Column("step", Integer),
    Column("share", Float),
    UniqueConstraint("project", "channel", "seq"),
    ForeignKeyConstraint(["project", "channel"], ["channels.project", "channels.name"]),
    Index(None, "project", "canary"),
)

providers = Table(
    "providers",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("key_env", Text),
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
)
