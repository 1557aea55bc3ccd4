"""How much may be on its way in at once, from the first byte that is read to the commit."""

from types import TracebackType
from typing import Self

from assay_server.core.errors import Busy, TooLarge
from assay_server.ingest.limits import Limits


class Room:
    """Bytes of all requests that are being read, decoded or written. Belongs to the event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.taken = 0

    def place(self, largest: int | None = None) -> "Place":
        """`largest`: bytes of this request, where they are others than those of any body."""
        return Place(self, self._limits, largest)


class Place:
    """What one request takes up; used with `with`, it is given back at the end."""

    def __init__(self, room: Room, limits: Limits, largest: int | None = None) -> None:
        self._room = room
        self._limits = limits
        self._largest = limits.body_bytes if largest is None else largest
        self._size = 0

    def take(self, size: int) -> None:
        """`size` bytes more of this request. A single request always has room up to the limit of a body.

        Raises `TooLarge` past that limit, and `Busy` where others leave no room; what was taken is then given back.
        """
        others = self._room.taken - self._size
        self._size += size
        self._room.taken += size
        if self._size > self._largest:
            self.give_back()
            raise TooLarge(
                f"The body is larger than {self._largest} bytes.",
                field="body",
                fix="send smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)",
            )
        if others and self._room.taken > self._limits.waiting_bytes:
            self.give_back()
            raise Busy(f"{others} bytes wait to be written.", retry_after_s=1, fix="send again after the time given")

    def give_back(self) -> None:
        self._room.taken -= self._size
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()
