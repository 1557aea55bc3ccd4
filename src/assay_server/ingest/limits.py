"""What one request may hold, and how much may wait."""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Limits:
    """Bytes, counts and depths. A span over its limits is refused alone; a body over its limits is refused whole."""

    body_bytes: int = 20 << 20  # as sent
    unpacked_bytes: int = 64 << 20
    spans: int = 50_000  # of one request
    attributes: int = 4_096  # of one span, event, link or resource
    events: int = 4_096  # of one span; links too
    depth: int = 28  # of lists and objects inside an attribute; protobuf's parser takes no more of a metric's
    waiting_bytes: int = 64 << 20  # admitted and not yet on disk
    waiting_records: int = 50_000
    batch_records: int = 4_096  # of one transaction, as a goal


DEFAULT = Limits()
