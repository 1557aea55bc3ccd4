"""A text as the index holds it: one document, with the trace that it stands in."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from assay_server.store.seen import key_of
from assay_server.store.text.texts import Text


@dataclass(slots=True, frozen=True)
class Entry:
    """A text and where it stands; `start_ns` is its trace's."""

    project: str
    trace_id: str
    start_ns: int
    stored_ns: int
    text: Text


@cache
def schema_of_texts() -> Any:
    from tantivy import SchemaBuilder

    builder = SchemaBuilder()
    builder.add_text_field("project", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("trace_key", indexed=True, fast=True)
    builder.add_bytes_field("trace", stored=True)
    builder.add_text_field("body", tokenizer_name="words", index_option="position")
    builder.add_integer_field("start", fast=True)
    builder.add_integer_field("stored", fast=True)
    return builder.build()


def document_of(entry: Entry) -> Any:
    """In one call: each crossing into the library costs as much as a value."""
    from tantivy import Document

    key, trace = _trace(entry.project, entry.trace_id)
    return Document.from_dict(
        {
            "project": entry.project,
            "trace": trace,
            "trace_key": key,
            "start": entry.start_ns,
            "stored": entry.stored_ns,
            "body": list(entry.text),
        },
        schema_of_texts(),
    )


@lru_cache(4_096)
def _trace(project: str, trace_id: str) -> tuple[int, bytes]:
    """A trace has many texts, one after the other."""
    return key_of(project, trace_id), trace_id.encode()
