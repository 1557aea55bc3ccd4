"""The chat pipeline: every call to a model, from outside and from Assay itself, goes through the same steps."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from assay_server.core.clock import Clock, SystemClock
from assay_server.core.ports import Completion, CompletionRequest, Principal, Sink
from assay_server.core.records import Tokens
from assay_server.gateway.call import Call, Reply
from assay_server.gateway.config import Limits
from assay_server.gateway.endpoints import Endpoints, ProviderRows
from assay_server.gateway.masking import Scrub
from assay_server.gateway.models import Models
from assay_server.gateway.pipeline import Step, fold
from assay_server.gateway.recorder import Recorder
from assay_server.gateway.request import parse
from assay_server.gateway.steps.guard import Guard
from assay_server.gateway.steps.record import Record
from assay_server.gateway.steps.render import Render, RenderTemplate
from assay_server.gateway.steps.resolve import Channels, Releases, Resolve
from assay_server.gateway.steps.route import Route
from assay_server.providers import Upstream

_ACTOR = "assay"


class Pricer(Protocol):
    """`providers.Prices`, as far as it is needed here."""

    def price(
        self, provider: str | None, model: str, tokens: Tokens, at_ns: int, *, project: str | None = None
    ) -> tuple[float, str] | None: ...


class Gateway:
    """`chat` answers callers, `complete` is the port `Complete` for the rooms beside this one."""

    def __init__(
        self,
        *,
        providers: ProviderRows,
        releases: Releases,
        channels: Channels,
        upstream: Upstream,
        sink: Sink,
        scrub: Scrub,
        render: RenderTemplate,
        prices: Pricer,
        clock: Clock | None = None,
        environment: Mapping[str, str] = os.environ,
        limits: Limits | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._prices = prices
        self._upstream = upstream
        self._recorder = Recorder(sink)
        self._endpoints = endpoints = Endpoints(providers, environment)
        steps: list[Step] = [Record(self._recorder), Resolve(releases, channels), Guard(scrub), Render(render)]
        self._models = Models(endpoints, upstream, channels, releases)
        self._answer = fold(steps, Route(endpoints, upstream, limits or Limits()))

    def parse(self, principal: Principal, headers: Mapping[str, str], body: bytes) -> Call:
        """The call a request asks for; header names in lower case. Raises InvalidInput. Leaves no span yet."""
        return parse(principal, headers, body, self._clock)

    async def chat(self, call: Call) -> Reply:
        """Answers a call and writes its span behind the answer, however it ends.

        A stream's first batch is an answer's first part; before it all faults are raised, after it the stream breaks
        with UpstreamError or Refused. Raises AssayError: NotFound, InvalidInput, TooLarge, Refused, Unavailable and,
        with the provider's status and body, UpstreamError.
        """
        return await self._answer(call)

    async def complete(self, request: CompletionRequest) -> Completion:
        """One call of our own, answered whole. Raises what `chat` raises."""
        call = self.parse(Principal(request.project, _ACTOR, "ingest"), _headers(request), _body(request))
        await self.chat(call)
        said, target = call.transcript, call.target
        model = said.model or (target.model if target else None)
        price = None
        if said.tokens is not None and model is not None and target is not None:
            price = self._prices.price(target.provider, model, said.tokens, call.start_ns, project=request.project)
        return Completion(
            text=said.text,
            trace_id=call.trace.trace_id,
            span_id=call.trace.span_id,
            model=model,
            latency_ms=(call.took_s or 0.0) * 1000,
            tokens=said.tokens,
            cost=None if price is None else price[0],
        )

    async def models(self, project: str) -> list[Mapping[str, Any]]:
        """What may stand in `model`, as OpenAI's model objects."""
        return await self._models(project)

    def only(self, base_url: str, models: Sequence[str]) -> None:
        """These models are behind an address: other names are refused there, where it would answer to any."""
        self._endpoints.only(base_url, models)

    async def flush(self) -> None:
        """Returns when the spans of all calls that have ended are stored."""
        await self._recorder.flush()

    async def close(self) -> None:
        """Stores the spans that wait, then hangs up."""
        await self._recorder.close()
        await self._upstream.close()


def _headers(request: CompletionRequest) -> dict[str, str]:
    told = {"traceparent": request.traceparent, "x-assay-run": request.run, "x-assay-item": request.item}
    return {name: value for name, value in told.items() if value is not None}


def _body(request: CompletionRequest) -> bytes:
    body: dict[str, Any] = {**request.parameters, "model": request.model, "messages": request.messages, "stream": False}
    if request.user is not None:
        body["user"] = request.user
    if request.variables is not None:
        body["assay"] = {"variables": request.variables}
    return msgspec.json.encode(body)
