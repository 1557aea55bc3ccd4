"""A store that keeps facts in a list, and can be made to fail or to wait."""

import asyncio
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from assay_server.core.records import Facts, merged
from assay_server.store import DEFAULT_LIMITS, Appended, Limits, Prepared, Stats
from assay_server.store.preparing import prepare


class MemoryStore:
    """Deduplicates nothing: for tests of what stands in front of a store."""

    def __init__(self) -> None:
        self.batches: list[Facts] = []
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.refuses: str | None = None  # a span name that makes a batch fail

    @property
    def spans(self) -> list[Any]:
        return [span for batch in self.batches for span in batch.spans]

    async def prepare(self, facts: Facts) -> Prepared:
        return prepare(facts)

    async def append(self, *given: Facts | Prepared) -> Appended:
        facts = merged([one if isinstance(one, Facts) else one.facts for one in given])
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        if any(span.name == self.refuses for span in facts.spans):
            raise ValueError("this batch cannot be stored")
        self.batches.append(facts)
        return Appended(facts, 0)

    async def scan(
        self, sql: str, params: Sequence[Any] = (), *, limits: Limits = DEFAULT_LIMITS
    ) -> list[dict[str, Any]]:
        raise AssertionError("nothing in front of the store reads it")

    async def columns(
        self, sql: str, params: Sequence[Any] = (), *, limits: Limits = DEFAULT_LIMITS
    ) -> dict[str, NDArray[Any]]:
        raise AssertionError("nothing in front of the store reads it")

    async def compact(self) -> None: ...

    async def stats(self) -> Stats:
        return Stats()

    async def close(self) -> None: ...
