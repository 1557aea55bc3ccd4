"""Facts on disk: append-only, columnar, one transaction per batch. Only `ingest` appends, only `query` reads.

What was stored is taken away only by `keeping`.
"""

from assay_server.store.changes import Doomed, Erasable, Priced, Rewritten, Thinnable, Thinned
from assay_server.store.counting import GATEWAY, INPUT, PROVIDERS_ROUTE, TOKENS, TRACE_WIDE, USED, counted
from assay_server.store.derived import encode, error_types
from assay_server.store.directory import holder_of
from assay_server.store.duck import FACTS, DuckStore
from assay_server.store.key_sets import ANY_NAMES, alike
from assay_server.store.opening import Settings
from assay_server.store.parts import part_key
from assay_server.store.preparing import Prepared
from assay_server.store.protocol import DEFAULT_LIMITS, Appended, Limits, Stats, Store, Texts
from assay_server.store.schema import HEAD
from assay_server.store.schema import NEWEST as SCHEMA
from assay_server.store.seen import trace_key
from assay_server.store.text import Bounds, Found, TextState, asks_for_words, words_of_attribute

__all__ = [
    "ANY_NAMES",
    "DEFAULT_LIMITS",
    "FACTS",
    "GATEWAY",
    "HEAD",
    "INPUT",
    "PROVIDERS_ROUTE",
    "SCHEMA",
    "TOKENS",
    "TRACE_WIDE",
    "USED",
    "Appended",
    "Bounds",
    "Doomed",
    "DuckStore",
    "Erasable",
    "Found",
    "Limits",
    "Prepared",
    "Priced",
    "Rewritten",
    "Settings",
    "Stats",
    "Store",
    "TextState",
    "Texts",
    "Thinnable",
    "Thinned",
    "alike",
    "asks_for_words",
    "counted",
    "encode",
    "error_types",
    "holder_of",
    "part_key",
    "trace_key",
    "words_of_attribute",
]
