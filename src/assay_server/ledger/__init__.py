"""Decisions, transactional: one dialect-neutral layer over SQLite and PostgreSQL."""

from assay_server.ledger import tables
from assay_server.ledger.engine import Ledger

__all__ = ["Ledger", "tables"]
