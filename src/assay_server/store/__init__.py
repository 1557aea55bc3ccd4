"""Facts on disk: append-only, columnar, one transaction per batch. Only `ingest` appends, only `query` reads.

What was stored is taken away only by `keeping`.
"""

from assay_server.store.changes import Doomed, Rewritten, Thinned
from assay_server.store.duck import DuckStore, Settings
from assay_server.store.protocol import DEFAULT_LIMITS, Appended, Limits, Priced, Stats, Store

__all__ = [
    "DEFAULT_LIMITS",
    "Appended",
    "Doomed",
    "DuckStore",
    "Limits",
    "Priced",
    "Rewritten",
    "Settings",
    "Stats",
    "Store",
    "Thinned",
]
