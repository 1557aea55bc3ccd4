"""What keeps spans that come in pieces, for tests that only look at the pieces."""

from collections.abc import Sequence

from assay_server.ingest import Part


class Pieces:
    def __init__(self) -> None:
        self.parts: list[Part] = []

    async def put(self, project: str, parts: Sequence[Part]) -> None:
        self.parts += parts

    async def traces_of(self, project: str, span_ids: Sequence[str]) -> dict[str, str]:
        return {part.span_id: part.trace_id for part in self.parts if part.span_id in span_ids}
