"""What is being removed from the facts and must leave the index too: noted on disk, so that a kill is made good."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from assay_server.core.files import sync_folder

_PENDING = "removing.json"
_SINCE = "removed"


class Removals:
    """The two notes in the index's folder: traces under removal, and whether anything was removed at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending = folder / _PENDING
        self._since = folder / _SINCE
        self.begun = 0
        """How many began since the store was opened."""

    @property
    def any(self) -> bool:
        """Was something removed since the index was begun? Its words may still be on the disk."""
        return self._since.exists()

    def begin(self, project: str, traces: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Durable on return: all that has to leave the index now, with what an earlier one could not take away."""
        self.begun += 1
        self._since.touch()
        pending = [*self.unfinished(), (project, list(traces))]
        fresh = self._pending.with_suffix(".new")
        with fresh.open("w") as out:
            json.dump(pending, out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self._pending)
        sync_folder(self._folder)
        return pending

    def end(self) -> None:
        """Nothing is left of them. Those who remove take turns, so there is one at a time."""
        self._pending.unlink(missing_ok=True)

    def unfinished(self) -> list[tuple[str, list[str]]]:
        """What a kill left, or an index that could not be written, (project, traces)."""
        try:
            return [(project, traces) for project, traces in json.loads(self._pending.read_text())]
        except (FileNotFoundError, ValueError):  # a half-written note: the change behind it had not begun
            return []

    def forget(self) -> None:
        self._since.unlink(missing_ok=True)
