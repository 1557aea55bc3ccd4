"""Server-sent events, without I/O: bytes in, whole events out. https://html.spec.whatwg.org/#server-sent-events"""

import re

from assay_server.core.errors import UpstreamError

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class Splitter:
    """Cuts a byte stream into events. Each block is as it came, its blank line included."""

    __slots__ = ("_limit", "_rest")

    def __init__(self, limit: int = 8 * 1024 * 1024) -> None:
        self._rest = b""
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """The events that `data` completes. Raises UpstreamError where one event is larger than the limit."""
        pending = self._rest + data if self._rest else data
        blocks, start = [], 0
        for end in _BLANK_LINE.finditer(pending):
            blocks.append(pending[start : end.end()])
            start = end.end()
        self._rest = pending[start:]
        if len(self._rest) > self._limit:
            raise UpstreamError(f"The provider sent an event of more than {self._limit} bytes.")
        return blocks

    def rest(self) -> bytes:
        """What came after the last whole event: empty where the stream ended cleanly."""
        return self._rest


def data_of(block: bytes) -> bytes | None:
    """The payload of an event: its `data` lines joined by newlines. None for comments and empty events."""
    if block.startswith(b"data: ") and block.count(b"\n", 0, len(block) - 2) == 0 and block.endswith(b"\n\n"):
        return block[6:-2]
    lines = [line[5:].removeprefix(b" ") for line in block.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None
