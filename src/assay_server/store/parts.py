"""What one commit adds to a trace, as a row: so latency and status of a trace are found without its spans."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from assay_server.core.records import Span
from assay_server.store.columns import SMALL, Table, ints, texts
from assay_server.store.seen import md5_number_lower


@dataclass(slots=True)
class TracePart:
    """Of spans of one trace: first start, last end (nanoseconds), and how many there are, failed and in order."""

    project: str
    trace_id: str
    start_ns: int
    end_ns: int
    spans: int = 0
    errors: int = 0
    oks: int = 0

    @property
    def key(self) -> int:
        return part_key(self.project, self.trace_id)


def part_key(project: str, trace_id: str) -> int:
    """As `schema.PART` has it in SQL, for those who make parts of what is stored: DuckDB's md5_number_lower."""
    return md5_number_lower(f"{project}\x1f{trace_id}")


TRACE_PARTS = Table(
    "trace_parts",
    attrgetter("project", "trace_id"),
    ("project", "trace_id"),
    {**texts("project", "trace_id"), **ints("start_ns", "end_ns"), **ints("spans", "errors", "oks", kind=SMALL)},
    stamped=True,
)


def parts_of(spans: Iterable[Span]) -> list[TracePart]:
    """One for each trace, in the order in which they come."""
    parts: dict[tuple[str, str], TracePart] = {}
    for span in spans:
        identity = span.project, span.trace_id
        part = parts.get(identity)
        if part is None:
            part = parts[identity] = TracePart(*identity, span.start_ns, span.end_ns)
        part.start_ns = min(part.start_ns, span.start_ns)
        part.end_ns = max(part.end_ns, span.end_ns)
        part.spans += 1
        part.errors += span.status == "error"
        part.oks += span.status == "ok"
    return list(parts.values())
