"""Sends spans like those of `benchmarks.read_data` over OTLP at a fixed rate, while others read.

usage: python -m benchmarks.read_feed URL KEY RATE SECONDS
"""

import asyncio
import itertools
import json
import random
import signal
import sys
import time
from http import HTTPStatus
from typing import Any

import aiohttp
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from assay_server.core.records import Span
from benchmarks.read_data import SECOND, traces

_BATCH = 200
_CONNECTIONS = 4
_DISTINCT = 100  # bodies made before the clock starts; their ids are made anew each time


def main() -> int:
    url, key, rate, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    print(json.dumps(asyncio.run(_feed(url, key, rate, seconds))))
    return 0


async def _feed(url: str, key: str, rate: float, seconds: float) -> dict[str, Any]:
    made = traces("feed", _DISTINCT * _BATCH // 8, random.Random(time.time_ns()))
    spans = [span for trace in made for span in trace.spans]
    batches = itertools.cycle([spans[at : at + _BATCH] for at in range(0, len(spans), _BATCH)])
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    sent, began = 0, time.monotonic()
    refused: list[bool] = []
    sending: set[asyncio.Task[None]] = set()
    async with aiohttp.ClientSession(headers=headers) as http:

        async def send(one: bytes) -> None:
            async with http.post(url + "/v1/traces", data=one) as answer:
                refused.append(answer.status != HTTPStatus.OK)

        while (passed := time.monotonic() - began) < seconds and not ended.is_set():
            if len(sending) >= _CONNECTIONS:
                _, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
            sending.add(asyncio.create_task(send(body(next(batches)))))
            sent += _BATCH
        await asyncio.wait(sending)
    return {"spans": sent, "per_s": round(sent / passed), "refused": sum(refused)}


def body(spans: list[Span]) -> bytes:
    """An OTLP request of these spans under new ids and in new sessions, beginning now."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    _put(group.resource.attributes, "service.name", spans[0].service)
    out = group.scope_spans.add().spans
    ids: dict[str, bytes] = {}
    sessions = f"-{random.randbytes(4).hex()}"
    shift = time.time_ns() - max(span.start_ns for span in spans) - SECOND
    for span in spans:
        one = out.add(name=span.name, kind=1)
        one.trace_id = ids.setdefault(span.trace_id, random.randbytes(16))
        one.span_id = ids.setdefault(span.span_id, random.randbytes(8))
        if span.parent_id is not None:
            one.parent_span_id = ids.setdefault(span.parent_id, random.randbytes(8))
        one.start_time_unix_nano, one.end_time_unix_nano = span.start_ns + shift, span.end_ns + shift
        one.status.code = Status.STATUS_CODE_ERROR if span.status == "error" else Status.STATUS_CODE_OK
        for key, value in span.attributes.items():
            _put(one.attributes, key, value + sessions if key == "session.id" else value)
    return request.SerializeToString()


def _put(attributes: Any, key: str, value: Any) -> None:
    kind = {str: "string_value", float: "double_value", int: "int_value"}[type(value)]
    setattr(attributes.add(key=key).value, kind, value)


if __name__ == "__main__":
    raise SystemExit(main())
