"""Everything that matches, as a file: page by page, the newest first, with flat memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from assay_server.core.errors import Busy
from assay_server.query.files.flat import Kind
from assay_server.query.files.formats import Format, writer
from assay_server.query.scores import ScoreFilter, Scores
from assay_server.query.sql import Page
from assay_server.query.traces.traces import SpanFilter, TraceFilter, Traces

_PAGES: dict[Kind, int] = {"traces": 500, "spans": 1000, "scores": 2000}
_A_PROJECT = 4  # downloads at once
_ALL = 8

_Pages = Callable[[Sequence[Any] | None], Awaitable[Page]]


class Exports:
    """Reads through the lists' own pages, so that a file holds what the lists show."""

    def __init__(self, traces: Traces, scores: Scores) -> None:
        self._traces = traces
        self._scores = scores
        self._under_way: Counter[str] = Counter()

    async def download(
        self, project: str, narrow: TraceFilter | SpanFilter | ScoreFilter, form: Format
    ) -> AsyncGenerator[bytes, None]:
        """The same as `stream`, for somebody who may read slowly or not at all, and so holds a page of texts.

        Raises Busy where the project has too many such files under way, or all projects together.
        """
        if self._under_way[project] >= _A_PROJECT or self._under_way.total() >= _ALL:
            raise Busy(
                f"{self._under_way[project]} exports of this project are under way, {self._under_way.total()} in all.",
                retry_after_s=10,
                fix="wait until one has ended, or let a schedule write the files",
            )
        self._under_way[project] += 1
        try:
            async with aclosing(self.stream(project, narrow, form)) as parts:
                async for part in parts:
                    yield part
        finally:
            self._under_way[project] -= 1

    async def stream(
        self,
        project: str,
        narrow: TraceFilter | SpanFilter | ScoreFilter,
        form: Format,
        counted: Callable[[int], None] = lambda rows: None,
    ) -> AsyncGenerator[bytes, None]:
        """The file's bytes; the kind follows from the filter. Raises before the first bytes what the list raises.

        `counted` is told how many rows each part has. What arrives while it runs may be missing: the newest come first.
        """
        kind, pages = self._pages(project, narrow)
        out = writer(kind, form)
        after: Sequence[Any] | None = None
        while True:
            page = await pages(after)
            counted(len(page.items))
            if page.items or after is None:
                yield await asyncio.to_thread(out.page, page.items)
            after = page.following
            if after is None:
                break
        yield await asyncio.to_thread(out.end)

    def _pages(self, project: str, narrow: TraceFilter | SpanFilter | ScoreFilter) -> tuple[Kind, _Pages]:
        if isinstance(narrow, TraceFilter):
            return "traces", lambda after: self._traces.find(project, narrow, limit=_PAGES["traces"], after=after)
        if isinstance(narrow, SpanFilter):
            return "spans", lambda after: self._traces.spans(project, narrow, limit=_PAGES["spans"], after=after)
        return "scores", lambda after: self._scores.find(project, narrow, limit=_PAGES["scores"], after=after)
