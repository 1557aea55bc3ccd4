"""Decisions, transactional: one dialect-neutral layer over SQLite and PostgreSQL."""

from assay_server.ledger import tables
from assay_server.ledger.audit_trail import AuditTrail
from assay_server.ledger.concealed import concealed, without_values
from assay_server.ledger.dumps import dumped_heads
from assay_server.ledger.engine import Ledger
from assay_server.ledger.faults import storable
from assay_server.ledger.holding import holds
from assay_server.ledger.schema import REVISIONS
from assay_server.ledger.upkeep import copy_sqlite

__all__ = [
    "REVISIONS",
    "AuditTrail",
    "Ledger",
    "concealed",
    "copy_sqlite",
    "dumped_heads",
    "holds",
    "storable",
    "tables",
    "without_values",
]
