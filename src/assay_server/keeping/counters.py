"""Whoever counts what is stored for others, and must not take what goes for what never was."""

from typing import Protocol


class Counters(Protocol):
    async def look(self, project: str) -> None:
        """Called right before facts of the project go, and right after."""
        ...
