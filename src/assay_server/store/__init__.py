"""Facts on disk: append-only, columnar, one transaction per batch. Only `ingest` appends, only `query` reads."""

from assay_server.store.duck import DuckStore, Settings
from assay_server.store.protocol import DEFAULT_LIMITS, Appended, Limits, Priced, Stats, Store

__all__ = ["DEFAULT_LIMITS", "Appended", "DuckStore", "Limits", "Priced", "Settings", "Stats", "Store"]
