"""The one door for facts: decode, scrub, normalise, price, commit; 200 only after that."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from assay_server.core.clock import Clock, SystemClock
from assay_server.core.errors import Busy, TooLarge, UnsupportedMedia
from assay_server.core.ports import Listener, Principal
from assay_server.core.records import Facts, Score, Span
from assay_server.ingest.aliases import aliases
from assay_server.ingest.committer import Committer, size_of
from assay_server.ingest.decoded import Decoded
from assay_server.ingest.decompress import decompress
from assay_server.ingest.limits import DEFAULT, Limits
from assay_server.ingest.normalise import Normaliser
from assay_server.ingest.otlp_json import decode_json
from assay_server.ingest.otlp_proto import decode_proto
from assay_server.ingest.pricing import Prices, price_span
from assay_server.ingest.scores import ScoreInput, score_of
from assay_server.ingest.scrub import FactScrubber, Scrubs
from assay_server.store import Store

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_INLINE_BYTES = 16 << 10  # smaller bodies cost less here than the way to a thread and back


@dataclass(slots=True, frozen=True)
class Accepted:
    """What became of a request. Duplicates count as accepted: the sender may stop sending them."""

    spans: int
    rejected: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """For OTLP's partial success; empty when nothing was rejected."""
        return "; ".join(self.reasons)


class Ingest:
    """Is the port `Sink`. One per store."""

    def __init__(
        self,
        store: Store,
        scrubber: Scrubs,
        prices: Prices,
        listeners: Sequence[Listener] = (),
        *,
        limits: Limits = DEFAULT,
        salt: bytes = b"",
        clock: Clock | None = None,
    ) -> None:
        """`salt` keys the pseudonyms of people (at most 64 bytes); keep it secret and stable."""
        table = aliases()
        self._limits = limits
        self._clock = clock or SystemClock()
        self._prices = prices
        self._normaliser = Normaliser(table)
        self._scrubber = FactScrubber(scrubber, table.identities, salt)
        self._committer = Committer(store, listeners, limits)
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="assay-decode")
        self._bytes = 0

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def waiting(self) -> int:
        """Records admitted and not yet on disk."""
        return self._committer.waiting

    def listen(self, listener: Listener) -> None:
        """Calls it after every commit, with what was new."""
        self._committer.listen(listener)

    async def write(self, facts: Facts) -> None:
        """Scrubs, prices and stores facts of our own making. Returns when they are durable; raises `Busy`."""
        self._scrubber.facts(facts)
        for span in facts.spans:
            span.resource = self._scrubber.resource(span.resource) if span.resource else span.resource
            self._price(span)
        if size_of(facts):
            await self._committer.commit(facts)

    async def scores(self, caller: Principal, given: Sequence[ScoreInput]) -> list[Score]:
        """Stores scores in the name of `caller`, all or none, and gives them as stored. Raises `InvalidInput`."""
        now = self._clock.now_ns()
        scores = [score_of(one, caller, now) for one in given]
        await self.write(Facts(scores=scores))
        return scores

    async def otlp(self, project: str, body: bytes, content_type: str | None, encoding: str | None = None) -> Accepted:
        """Stores an OTLP trace request; returns when it is durable.

        Raises `UnsupportedMedia`, `InvalidInput` and `TooLarge` for a body nobody can take, `Busy` when too much waits.
        Single spans that cannot be taken are told in the answer; the others are stored.
        """
        decode = _decoder_of(content_type)
        self._admit(len(body))
        try:
            facts, decoded = await self._off_loop(partial(self._facts, decode, project, body, encoding), len(body))
            if size_of(facts):
                await self._committer.commit(facts)
        finally:
            self._bytes -= len(body)
        return Accepted(len(decoded.spans), decoded.rejected, tuple(decoded.reasons))

    async def close(self) -> None:
        """Commits what waits. The store stays open: it belongs to whoever opened it."""
        await self._committer.close()
        self._decoder.shutdown(wait=False)

    def _admit(self, size: int) -> None:
        if size > self._limits.body_bytes:
            raise TooLarge(
                f"The body has {size} bytes, more than {self._limits.body_bytes}.",
                field="body",
                fix="send smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)",
            )
        if self._bytes and self._bytes + size > self._limits.waiting_bytes:
            raise Busy(
                f"{self._bytes} bytes wait to be written.", retry_after_s=1, fix="send again after the time given"
            )
        self._bytes += size

    async def _off_loop(self, work: Callable[[], tuple[Facts, Decoded]], size: int) -> tuple[Facts, Decoded]:
        if size < _INLINE_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._decoder, work)

    def _facts(
        self, decode: Callable[[str, bytes, Limits], Decoded], project: str, body: bytes, encoding: str | None
    ) -> tuple[Facts, Decoded]:
        decoded = decode(project, decompress(body, encoding, self._limits.unpacked_bytes), self._limits)
        facts = Facts(spans=decoded.spans)
        self._scrub_resources(decoded.spans)
        for span in decoded.spans:
            self._scrubber.span(span)
            facts.scores += self._normaliser.fill(span)
            self._price(span)
        return facts, decoded

    def _scrub_resources(self, spans: list[Span]) -> None:
        """Spans share the resource they were sent with; each is scrubbed once."""
        scrubbed: dict[int, dict[str, object]] = {}
        for span in spans:
            known = scrubbed.get(id(span.resource))
            if known is None:
                known = scrubbed[id(span.resource)] = self._scrubber.resource(span.resource)
                scrubbed[id(known)] = known
            span.resource = known

    def _price(self, span: Span) -> None:
        price_span(span, self._prices)


def _decoder_of(content_type: str | None) -> Callable[[str, bytes, Limits], Decoded]:
    name = (content_type or "").partition(";")[0].strip().lower()
    if name in {PROTOBUF, "application/protobuf"}:
        return decode_proto
    if name == JSON:
        return decode_json
    raise UnsupportedMedia(
        f"OTLP comes as protobuf or JSON, not as '{content_type}'.",
        field="content-type",
        value=content_type,
        fix=f"use {PROTOBUF} or {JSON}",
    )
