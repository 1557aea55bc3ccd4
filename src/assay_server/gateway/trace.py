"""W3C Trace Context, https://www.w3.org/TR/trace-context/: the caller's trace goes on through the gateway."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_LONGEST_STATE = 512
# Ids must not meet, but may be guessed: asking the operating system for each costs more than the rest of the parsing.
_random = random.Random(random.SystemRandom().getrandbits(256))
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


@dataclass(slots=True, frozen=True)
class Trace:
    """The place of this call in its trace: `span_id` is the gateway's own span, `parent_id` the caller's."""

    trace_id: str
    span_id: str
    parent_id: str | None
    flags: str
    state: str | None

    def headers(self) -> dict[str, str]:
        """For the provider: it becomes a child of the gateway's span."""
        onward = {"traceparent": f"00-{self.trace_id}-{self.span_id}-{self.flags}"}
        if self.state is not None:
            onward["tracestate"] = self.state
        return onward


def continued(headers: Mapping[str, str]) -> Trace:
    """A child of the caller's span; the root of a new trace where `traceparent` is missing or broken."""
    span_id = _new_id(64)
    told = headers.get("traceparent")
    found = _TRACEPARENT.fullmatch(told.strip()) if told is not None else None
    if found is None or not _is_valid(*found.groups()):
        return Trace(_new_id(128), span_id, None, "01", None)
    state = headers.get("tracestate")
    return Trace(found[2], span_id, found[3], found[4], state if state and len(state) <= _LONGEST_STATE else None)


def _new_id(bits: int) -> str:
    return f"{_random.getrandbits(bits) or 1:0{bits // 4}x}"


def _is_valid(version: str, trace_id: str, span_id: str, _flags: str, more: str | None) -> bool:
    """A later version may carry more fields; version 00 may not, and ff is forbidden."""
    known = version != "ff" and (version != "00" or more is None)
    return known and trace_id != _NO_TRACE and span_id != _NO_SPAN
