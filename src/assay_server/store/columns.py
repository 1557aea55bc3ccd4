"""Facts as Arrow columns, and the identity of each row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Literal

from assay_server.core.records import RunItem, Span, Tokens
from assay_server.store import key_sets
from assay_server.store.changes import Priced
from assay_server.store.derived import empty_results, encode, error_types, request_keys, storable
from assay_server.store.schema import HEAD
from assay_server.store.seen import Keys, key_of

Identity = tuple[str, ...]
Kind = Literal["text", "json", "int", "small", "real", "texts", "key", "truth"]
Column = Callable[[Sequence[Any]], list[Any]]
ArrowTable = Any
"""A `pyarrow.Table`. Arrow is imported by the first batch, not before: an idle server does not pay its 25 MB."""

_BUCKETS = (
    ("fresh_input", "fresh_input"),
    ("cache_read", "cache_read"),
    ("cache_write", "cache_write"),
    ("output_tokens", "output"),
    ("reasoning", "reasoning"),
)
_NO_TOKENS = Tokens()


@dataclass(slots=True, frozen=True)
class Table:
    """How the records of one kind become rows of one table."""

    name: str
    identity: Callable[[Any], Identity]
    identity_columns: tuple[str, ...]
    columns: dict[str, tuple[Kind, Column | None]]  # None: `together` makes it
    together: Callable[[Sequence[Any]], dict[str, list[Any]]] | None = None  # columns that are made in one go
    select: str = "*"  # over the batch's columns, in the table's order
    stamped: bool = False  # its last column, `stored_ns`, says when the row was committed

    def batch(self, records: Sequence[Any], keys: Sequence[int] | Keys) -> ArrowTable:
        """The records as an Arrow table, in the order of the table's columns."""
        import pyarrow as pa

        made = {} if self.together is None else self.together(records)
        arrays = [_array(keys, "key")]
        arrays += [
            _array(made[name] if values is None else values(records), kind)
            for name, (kind, values) in self.columns.items()
        ]
        return pa.table(arrays, names=["key", *self.columns])

    def key(self, identity: Identity) -> int:
        return key_of(*identity)


def _array(values: Sequence[Any] | Keys, kind: Kind) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values, _arrow_types()[kind])
    except UnicodeEncodeError:  # half of a surrogate pair: Python holds such texts, UTF-8 cannot
        return pa.array([storable(value) for value in values], _arrow_types()[kind])


@cache
def _arrow_types() -> dict[Kind, Any]:
    import pyarrow as pa

    return {
        "text": pa.string(),
        "json": pa.json_(),  # DuckDB takes it as it is; a text it would read once more, to see that it is JSON
        "int": pa.int64(),
        "small": pa.int32(),
        "real": pa.float64(),
        "texts": pa.list_(pa.string()),
        "key": pa.uint64(),
        "truth": pa.bool_(),
    }


def _plain(name: str) -> Column:
    getter = attrgetter(name)
    return lambda records: list(map(getter, records))


def _head(name: str) -> Column:
    getter = attrgetter(name)

    def column(records: Sequence[Any]) -> list[str | None]:
        return [(getter(span) or "")[:HEAD] if span.parent_id is None else None for span in records]

    return column


def _bucket(name: str) -> Column:
    getter = attrgetter(name)
    return lambda records: [getter(record.tokens or _NO_TOKENS) for record in records]


def _json(name: str) -> Column:
    """Encodes; an object that several records share (a resource) is encoded once."""
    getter = attrgetter(name)

    def column(records: Sequence[Any]) -> list[str | None]:
        known: dict[int, str | None] = {}
        texts = []
        for record in records:
            value = getter(record)
            text = known.get(id(value))
            if text is None and value:
                text = known[id(value)] = encode(value)
            texts.append(text)
        return texts

    return column


_KEPT_TWICE = 200  # characters


def _attributes_and_moved(spans: Sequence[Span]) -> dict[str, list[Any]]:
    """`moved` names the attributes whose text a column of the span holds as well; those are left out of the others.

    Short ones stay: people filter and group by them (a label that is the whole answer), and there is little to save.
    """
    attributes, moved = [], []
    for span in spans:
        sent, texts = span.attributes, (span.input, span.output)
        twice = {
            key: "input" if value == texts[0] else "output"
            for key, value in sent.items()
            if isinstance(value, str) and len(value) > _KEPT_TWICE and value in texts
        }
        attributes.append(encode({key: sent[key] for key in sent if key not in twice} if twice else sent))
        moved.append(encode(twice) if twice else None)
    return {"attributes": attributes, "moved": moved}


def _content(spans: Sequence[Span]) -> list[str | None]:
    return [None if span.thin is None else span.thin.fate for span in spans]


_TEXT: Kind = "text"
_INT: Kind = "int"
SMALL: Kind = "small"
_REAL: Kind = "real"
_TEXTS: Kind = "texts"


def texts(*names: str) -> dict[str, tuple[Kind, Column | None]]:
    return {name: (_TEXT, _plain(name)) for name in names}


def ints(*names: str, kind: Kind = _INT) -> dict[str, tuple[Kind, Column | None]]:
    return {name: (kind, _plain(name)) for name in names}


_TOKENS: dict[str, tuple[Kind, Column | None]] = {column: (_INT, _bucket(bucket)) for column, bucket in _BUCKETS}

SPANS = Table(
    "spans",
    attrgetter("project", "trace_id", "span_id"),
    ("project", "trace_id", "span_id"),
    {
        **texts("project", "trace_id", "span_id", "parent_id", "name", "kind"),
        **ints("start_ns", "end_ns"),
        "error_type": (_TEXT, error_types),
        **texts("status", "status_message", "service", "environment", "scope", "session", "user"),
        **texts("feature", "tenant", "cost_center"),
        "tags": (_TEXTS, _plain("tags")),
        **texts("input", "output", "model", "provider"),
        "input_head": (_TEXT, _head("input")),
        "output_head": (_TEXT, _head("output")),
        **_TOKENS,
        "cost": (_REAL, _plain("cost")),
        "cost_source": (_TEXT, _plain("cost_source")),
        "ttft_ms": (_REAL, _plain("ttft_ms")),
        **texts("prompt", "prompt_version", "release", "channel", "canary", "arm", "run", "item"),
        "pii": (_TEXTS, _plain("pii")),
        "attributes": ("json", None),
        "moved": (_TEXT, None),
        "resource": (_TEXT, _json("resource")),
        "events": (_TEXT, _json("events")),
        "links": (_TEXT, _json("links")),
        "content": (_TEXT, _content),
        "empty_result": ("truth", empty_results),
        "request_key": ("key", request_keys),
        "key_set": ("key", key_sets.column),
    },
    together=_attributes_and_moved,
    select="* REPLACE (attributes::VARIANT AS attributes)",
    stamped=True,
)


def prices_batch(project: str, prices: Sequence[Priced]) -> ArrowTable:
    """New prices of stored spans, with the keys of those."""
    keys = [SPANS.key((project, price.trace_id, price.span_id)) for price in prices]
    import pyarrow as pa

    return pa.table(
        {
            "key": _array(keys, "key"),
            "project": _array([project] * len(prices), _TEXT),
            "trace_id": _array([price.trace_id for price in prices], _TEXT),
            "span_id": _array([price.span_id for price in prices], _TEXT),
            "cost": _array([price.cost for price in prices], _REAL),
            "cost_source": _array([price.source for price in prices], _TEXT),
        }
    )


TRACES = Table(
    "traces",
    attrgetter("project", "trace_id"),
    ("project", "trace_id"),
    {**texts("project", "trace_id"), **ints("start_ns")},
    stamped=True,
)

SCORES = Table(
    "scores",
    attrgetter("project", "id"),
    ("project", "id"),
    {
        **texts("project", "id", "name"),
        **ints("time_ns"),
        "source": (_TEXT, _plain("source")),
        "value": (_REAL, _plain("value")),
        **texts("label", "error", "reason", "author", "version", "trace_id", "span_id", "session", "run", "item"),
        "metadata": (_TEXT, _json("metadata")),
    },
)


def _run_item_identity(record: RunItem) -> Identity:
    return record.project, record.run, record.item, str(record.repeat)


RUN_ITEMS = Table(
    "run_items",
    _run_item_identity,
    ("project", "run", "item", "repeat"),
    {
        **texts("project", "run", "item"),
        "repeat": (SMALL, _plain("repeat")),
        **ints("time_ns"),
        **texts("cluster", "input", "output", "expected"),
        "contexts": (_TEXT, _json("contexts")),
        **texts("error", "trace_id"),
        "latency_ms": (_REAL, _plain("latency_ms")),
        "cost": (_REAL, _plain("cost")),
        **_TOKENS,
    },
)

EVENTS = Table(
    "events",
    attrgetter("project", "id"),
    ("project", "id"),
    {
        **texts("project", "id", "kind"),
        **ints("time_ns"),
        **texts("trace_id", "span_id", "subject"),
        "data": (_TEXT, _json("data")),
    },
    stamped=True,
)
