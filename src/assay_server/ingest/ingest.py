"""The one door for facts: decode, scrub, normalise, price, commit; 200 only after that."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from assay_server.core.clock import Clock, SystemClock
from assay_server.core.errors import UnsupportedMedia
from assay_server.core.ports import Listener, Principal
from assay_server.core.records import Facts, Score, Span
from assay_server.ingest.committer import Committer, size_of
from assay_server.ingest.decompress import decompress
from assay_server.ingest.limits import DEFAULT, Limits
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.normaliser import Normaliser
from assay_server.ingest.otlp.decoded import Decoded
from assay_server.ingest.otlp.from_json import decode_json
from assay_server.ingest.otlp.from_proto import decode_proto
from assay_server.ingest.otlp.logs import LogRecord, decode_logs_json, decode_logs_proto, facts_of
from assay_server.ingest.otlp.metrics import decode_metrics_json, decode_metrics_proto
from assay_server.ingest.pricing import Prices, price_span
from assay_server.ingest.room import Place, Room
from assay_server.ingest.sampling.admission import Admission, Open
from assay_server.ingest.scores import ScoreInput, scores_of
from assay_server.ingest.scrub import FactScrubber, Scrubs
from assay_server.ingest.weight import INLINE, is_heavy
from assay_server.store import Store

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

Signal = Literal["traces", "logs", "metrics"]
Understood = tuple[Facts, Decoded[Any]]

_NUL, _UNKNOWN = "\0", "\ufffd"


@dataclass(slots=True, frozen=True)
class Accepted:
    """What became of a request. Duplicates count as accepted: the sender may stop sending them."""

    spans: int  # or log records, or points of metrics
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
        admission: Admission | None = None,
    ) -> None:
        """`salt` keys the pseudonyms of people (at most 64 bytes); keep it secret and stable."""
        table = aliases()
        self._limits = limits
        self._clock = clock or SystemClock()
        self._prices = prices
        self._admission = admission or Open()
        self._normaliser = Normaliser(table)
        self._scrubber = FactScrubber(scrubber, table.identities, salt)
        self._committer = Committer(store, listeners, limits)
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="assay-decode")
        self._room = Room(limits)

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def waiting(self) -> int:
        """Records admitted and not yet on disk."""
        return self._committer.waiting

    def place(self, largest: int | None = None) -> Place:
        """For a body that is about to be read: so that what is read is bounded too."""
        return self._room.place(largest)

    def pseudonym(self, user: str) -> str:
        """What a user's id becomes in the facts: itself, unless it is personal data."""
        return self._scrubber.identity(user, set()) or user

    def listen(self, listener: Listener) -> None:
        """Calls it after every commit, with what was new."""
        self._committer.listen(listener)

    async def write(self, facts: Facts) -> None:
        """Scrubs, prices and stores facts of our own making. Returns when they are durable; raises `Busy`."""
        await self._stored(facts)

    async def _stored(self, facts: Facts) -> Facts:
        """What of them was new."""
        records = [*facts.spans, *facts.scores, *facts.run_items, *facts.events]
        if is_heavy(records):
            await asyncio.get_running_loop().run_in_executor(self._decoder, self._make_ready, facts)
        else:
            self._make_ready(facts)
        tally = self._admission.admit(facts)
        stored = await self._committer.commit(facts) if size_of(facts) else facts
        self._admission.stored(tally, stored)
        return stored

    def _make_ready(self, facts: Facts) -> None:
        self._scrubber.facts(facts)
        for span in facts.spans:
            span.resource = self._scrubber.resource(span.resource) if span.resource else span.resource
            self._normaliser.charge(span)
            _be_sayable(span)
            self._price(span)

    async def scores(self, caller: Principal, given: Sequence[ScoreInput]) -> list[Score]:
        """Stores scores in the name of `caller`, all or none, and gives them as stored. Raises `InvalidInput`."""
        return (await self.scores_known(caller, given))[0]

    async def scores_known(self, caller: Principal, given: Sequence[ScoreInput]) -> tuple[list[Score], list[Score]]:
        """The same, and those among them whose id was known before: what they say is not stored."""
        now = self._clock.now_ns()
        scores = scores_of(given, caller, now)
        fresh = {id(score) for score in (await self._stored(Facts(scores=scores))).scores}
        return scores, [score for score in scores if id(score) not in fresh]

    async def otlp(
        self,
        project: str,
        body: bytes,
        content_type: str | None,
        encoding: str | None = None,
        signal: Signal = "traces",
        *,
        admitted: bool = False,
    ) -> Accepted:
        """Stores an OTLP request of a signal; returns when it is durable. `admitted`: the body has its `place` already.

        Raises `UnsupportedMedia`, `InvalidInput` and `TooLarge` for a body nobody can take, `Busy` when too much waits,
        `RateLimited` past a quota.
        Single spans that cannot be taken are told in the answer; the others are stored.
        """
        media = _media_of(content_type)
        understand = {"traces": self._spans, "logs": self._logs, "metrics": self._metrics}[signal]
        self._admission.check(project)
        with self._room.place() as own:
            if not admitted:
                own.take(len(body))
            facts, decoded = await self._off_loop(partial(understand, media, project, body, encoding), len(body))
            tally = self._admission.admit(facts)
            stored = await self._committer.commit(facts) if size_of(facts) else facts
            self._admission.stored(tally, stored, project=project, size=len(body))
        return Accepted(len(decoded.taken), decoded.rejected, tuple(decoded.reasons))

    async def close(self) -> None:
        """Commits what waits. The store stays open: it belongs to whoever opened it."""
        await self._committer.close()
        self._decoder.shutdown(wait=False)

    async def _off_loop(self, work: Callable[[], Understood], size: int) -> Understood:
        if size < INLINE:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._decoder, work)

    def _spans(self, media: str, project: str, body: bytes, encoding: str | None) -> Understood:
        decode = decode_proto if media == PROTOBUF else decode_json
        decoded = decode(project, self._plain(body, encoding), self._limits)
        spans = decoded.taken
        self._scrub_resources(spans)
        self._normaliser.unquote(spans)
        self._scrubber.spans(spans)
        scores = self._normaliser.fill_all(spans)
        for span in spans:
            _be_sayable(span)
            self._price(span)
        return Facts(spans=spans, scores=scores), decoded

    def _logs(self, media: str, project: str, body: bytes, encoding: str | None) -> Understood:
        decode = decode_logs_proto if media == PROTOBUF else decode_logs_json
        decoded = decode(project, self._plain(body, encoding), self._limits)
        self._scrub_resources(decoded.taken)
        facts = Facts()
        for record in decoded.taken:
            self._scrubber.log(record)
            found = facts_of(record, self._normaliser, self._clock.now_ns())
            if isinstance(found, Score):
                facts.scores.append(found)
            else:
                facts.events.append(found)
        return facts, decoded

    def _metrics(self, media: str, project: str, body: bytes, encoding: str | None) -> Understood:
        decode = decode_metrics_proto if media == PROTOBUF else decode_metrics_json
        decoded = decode(project, self._plain(body, encoding), self._limits)
        facts = Facts(events=decoded.taken)
        self._scrubber.facts(facts)
        return facts, decoded

    def _plain(self, body: bytes, encoding: str | None) -> bytes:
        return decompress(body, encoding, self._limits.unpacked_bytes)

    def _scrub_resources(self, spans: Sequence[Span | LogRecord]) -> None:
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


def _be_sayable(span: Span) -> None:
    """Ids of people and sessions are asked for, and noted beside decisions; PostgreSQL's text holds no NUL."""
    if span.user is not None and _NUL in span.user:
        span.user = span.user.replace(_NUL, _UNKNOWN)
    if span.session is not None and _NUL in span.session:
        span.session = span.session.replace(_NUL, _UNKNOWN)


def _media_of(content_type: str | None) -> str:
    name = (content_type or "").partition(";")[0].strip().lower()
    if name in {PROTOBUF, "application/protobuf"}:
        return PROTOBUF
    if name == JSON:
        return JSON
    raise UnsupportedMedia(
        f"OTLP comes as protobuf or JSON, not as '{content_type}'.",
        field="content-type",
        value=content_type,
        fix=f"use {PROTOBUF} or {JSON}",
    )
