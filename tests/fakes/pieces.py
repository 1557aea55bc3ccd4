"""What keeps spans that come in pieces, for tests that only look at the pieces."""

from collections.abc import Sequence

from assay_server.ingest import Part


class Pieces:
    def __init__(self) -> None:
        self.parts: list[Part] = []

    async def put(self, project: str, parts: Sequence[Part]) -> None:
        self.parts += parts
