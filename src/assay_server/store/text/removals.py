"""What is being removed from the facts and must leave the index too: noted on disk, so that a kill is made good."""

import json
from collections.abc import Sequence
from pathlib import Path

_PENDING = "removing.json"
_SINCE = "removed"


class Removals:
    """The two notes in the index's folder: traces under removal, and whether anything was removed at all."""

    def __init__(self, folder: Path) -> None:
        self._pending = folder / _PENDING
        self._since = folder / _SINCE

    @property
    def any(self) -> bool:
        """Was something removed since the index was begun? Its words may still be on the disk."""
        return self._since.exists()

    def begin(self, project: str, traces: Sequence[str]) -> None:
        self._since.touch()
        self._pending.write_text(json.dumps([[project, list(traces)]]))

    def end(self) -> None:
        """Those who remove take turns, so there is one at a time."""
        self._pending.unlink(missing_ok=True)

    def unfinished(self) -> list[tuple[str, list[str]]]:
        """What a kill left, (project, traces)."""
        try:
            return [(project, traces) for project, traces in json.loads(self._pending.read_text())]
        except (FileNotFoundError, ValueError):  # a half-written note: the change behind it had not begun
            return []

    def forget(self) -> None:
        self._since.unlink(missing_ok=True)
