"""What both decoders make of a request, and what makes a span unusable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from assay_server.core.errors import TooLarge
from assay_server.core.records import Span, SpanStatus
from assay_server.ingest.limits import Limits

STATUS: dict[int, SpanStatus] = {0: "unset", 1: "ok", 2: "error"}

T = TypeVar("T")

LAST_NS = 2**63 - 2  # the next one is the store's word for never
_REASONS_KEPT = 20
_HEX = frozenset("0123456789abcdef")


class SpanRefused(Exception):
    """This span cannot be stored; the others of its request can. The message says why."""


class Decoded(Generic[T]):
    """Spans (or log records, or points of metrics) as they were sent, nothing interpreted yet, and why others were
    refused."""

    def __init__(self, limits: Limits) -> None:
        self.taken: list[T] = []
        self.rejected = 0
        self.reasons: list[str] = []
        self._limits = limits

    def take(self, decode: Callable[[], T], name: str, what: str = "span") -> None:
        """Adds the span that `decode` gives, or the reason why it gives none."""
        if len(self.taken) >= self._limits.spans:
            raise TooLarge(
                f"The request has more than {self._limits.spans} spans.", field="spans", fix="send smaller batches"
            )
        try:
            self.taken.append(decode())
        except SpanRefused as refusal:
            self.refuse(f"{what} '{name[:80]}': {refusal}")

    def shared(self, decode: Callable[[], dict[str, Any]], spans: int, what: str = "resource") -> dict[str, Any] | None:
        """What `spans` spans have in common (resource, scope); where it cannot be taken, neither can they."""
        try:
            return decode()
        except SpanRefused as refusal:
            self.refuse(f"{what}: {refusal}", spans)
            return None

    def refuse(self, reason: str, spans: int = 1) -> None:
        self.rejected += spans
        if len(self.reasons) < _REASONS_KEPT and reason not in self.reasons:
            self.reasons.append(reason)


@dataclass(slots=True, frozen=True)
class Group:
    """What the spans of one instrumentation scope share."""

    project: str
    resource: dict[str, Any]
    scope: str | None

    @classmethod
    def of(cls, project: str, resource: dict[str, Any], scope: str, version: str) -> "Group":
        return cls(project, resource, (f"{scope}@{version}" if version else scope) or None)


def new_span(group: Group, **fields: Any) -> Span:
    return Span(project=group.project, kind="span", scope=group.scope, resource=group.resource, **fields)


def hex_id(text: str, length: int, what: str) -> str:
    """The id in lower case. Raises `SpanRefused` when it is of another length, not hex, or all zeros."""
    if len(text) != length:
        raise SpanRefused(f"{what} has {len(text) // 2} bytes, not {length // 2}" if text else f"{what} is missing")
    lower = text.lower()
    if not _HEX.issuperset(lower):
        raise SpanRefused(f"{what} is not hexadecimal")
    if lower.strip("0") == "":
        raise SpanRefused(f"{what} is all zeros")
    return lower


def check_times(start: int, end: int) -> tuple[int, int]:
    """(start, end) in nanoseconds. An end before the start (a clock set back, a span that never ended) is the start."""
    if not 0 < start <= LAST_NS:
        raise SpanRefused("start_time_unix_nano is missing" if start == 0 else "start_time_unix_nano is out of range")
    if not 0 <= end <= LAST_NS:
        raise SpanRefused("end_time_unix_nano is out of range")
    return start, max(start, end)
