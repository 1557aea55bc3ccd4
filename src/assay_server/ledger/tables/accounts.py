"""Projects, keys, sessions, the audit log and remembered answers. Owned by `governance`."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, Table, Text, UniqueConstraint

from assay_server.ledger.tables.base import Json, metadata

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    # The first project: its admins run the server and see that the others exist.
    Column("home", Boolean, nullable=False),
    # Mixed into every hash of a person or a unit, so that hashes of two projects never match.
    Column("salt", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("public", Text),  # `pk_…`; NULL for a key that was chosen by its owner
    Column("secret_hash", Text, nullable=False, unique=True),  # SHA-256, hex
    Column(
        "origin", Text, nullable=False
    ),  # `created`, `generated` at the first start, `bootstrap` from the environment
    Column("created_ns", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_ns", BigInteger),
    Column("revoked_by", Text),
    Column("used_ns", BigInteger),  # the last use, some minutes behind (`governance/uses.py`); NULL: none is known
    Column("noted_ns", BigInteger),  # since when uses are noted, for keys that are older than that
)

sign_in_tokens = Table(
    "sign_in_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("used_ns", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("actor", Text, nullable=False),
    # The key the session was opened with, if it was: revoking that key ends the session.
    Column("key", Text, ForeignKey("keys.id"), index=True),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("seq", Integer, nullable=False),  # 1, 2, 3 … within the project
    Column("at_ns", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text),
    Column("before", Json),
    Column("after", Json),
    Column("previous", Text, nullable=False),  # hash of row seq-1; the project's id hashed for the first
    Column("hash", Text, nullable=False),
    UniqueConstraint("project", "seq"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    # Where each chain ends: a log that lost its last rows is found out.
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("owner", Text, nullable=False),  # the process that runs it, or ran it
    Column("at_ns", BigInteger, nullable=False, index=True),
    Column("done", Boolean, nullable=False),
    Column("response", Json),
)
