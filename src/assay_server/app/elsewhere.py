"""What rooms besides the store hold of a person or a trace, for `keeping`, which may not see all of them."""

from collections.abc import Collection
from typing import Any

from assay_server.core.clock import Clock
from assay_server.governance import forget_answers
from assay_server.ingest import MediaShelf, forget_pieces
from assay_server.keeping import Found, Named
from assay_server.ledger import Ledger
from assay_server.monitors import forget_group
from assay_server.registry import empty_items, held_items


class PeopleElsewhere:
    """Is the port `keeping.Elsewhere`."""

    def __init__(self, ledger: Ledger, media: MediaShelf, clock: Clock) -> None:
        self._ledger = ledger
        self._media = media
        self._clock = clock

    async def forget(self, subject: Named, found: Found, *, dry_run: bool) -> dict[str, int]:
        words = [*subject.spellings, *found.trace_ids]
        return {
            "partial_spans": await forget_pieces(
                self._ledger, subject.project, subject.tokens, found.trace_ids, subject.whole_traces, dry_run=dry_run
            ),
            "media": await self._media.forget(subject.project, found.trace_ids, set(found.span_ids), dry_run=dry_run),
            "remembered_answers": await forget_answers(self._ledger, subject.project, words, dry_run=dry_run),
            "findings": await forget_group(self._ledger, subject.project, subject.names, self._clock, dry_run=dry_run),
        }

    async def held(self, project: str, span_ids: Collection[str]) -> list[dict[str, Any]]:
        return await held_items(self._ledger, project, span_ids)

    async def empty(self, project: str, span_ids: Collection[str], request: str) -> int:
        return await empty_items(self._ledger, project, span_ids, request)
