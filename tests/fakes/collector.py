"""An OTLP collector that misbehaves on request: real OTLP over HTTP, everything it took in a list."""

import gzip
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Collector:
    """`answers`: what the next requests get instead of a 200; None hangs up in the middle."""

    def __init__(self) -> None:
        self.taken: list[Any] = []  # spans
        self.resources: list[dict[str, Any]] = []
        self.entities: list[Any] = []  # references to them, of all resources
        self.scopes: list[Any] = []  # ScopeSpans
        self.records: list[Any] = []  # log records
        self.logs: list[Any] = []  # ResourceLogs
        self.headers: list[dict[str, str]] = []
        self.answers: list[web.Response | None] = []
        self.rejects = 0
        self.requests = 0
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> "Collector":
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/traces", self._take)
        app.router.add_post("/v1/logs", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        self.headers.append({key.lower(): value for key, value in request.headers.items()})
        body = await request.read()
        if self.answers:
            answer = self.answers.pop(0)
            if answer is None:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            return answer
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        if request.path == "/v1/logs":
            self._keep_logs(ExportLogsServiceRequest.FromString(body))
        else:
            self._keep(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse()  # that of log records is the same on the wire
        answer.partial_success.rejected_spans = self.rejects
        return web.Response(body=answer.SerializeToString(), content_type="application/x-protobuf")

    def _keep_logs(self, told: ExportLogsServiceRequest) -> None:
        self.logs.extend(told.resource_logs)
        for of_resource in told.resource_logs:
            for of_scope in of_resource.scope_logs:
                self.records.extend(of_scope.log_records)

    def _keep(self, told: ExportTraceServiceRequest) -> None:
        for of_resource in told.resource_spans:
            self.resources.append({one.key: one.value for one in of_resource.resource.attributes})
            self.entities.extend(of_resource.resource.entity_refs)
            for of_scope in of_resource.scope_spans:
                self.scopes.append(of_scope)
                self.taken.extend(of_scope.spans)
