"""A clock that a test turns."""


class FakeClock:
    """Stands still until it is told to go on; it begins on 2026-11-21."""

    def __init__(self, now_ns: int = 1_795_248_000_000_000_000) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def advance(self, seconds: float) -> None:
        self._now_ns += int(seconds * 1e9)
