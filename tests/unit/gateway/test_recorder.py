"""Spans behind the answer: never in its way, not lost to a busy door, counted where they are."""

import asyncio
import logging

import pytest

from assay_server.core.clock import SystemClock
from assay_server.core.ports import Principal
from assay_server.gateway.call import Call
from assay_server.gateway.recorder import Recorder
from assay_server.gateway.request import parse
from tests.fakes.gateway import MemorySink


def finished(padding: int = 0) -> Call:
    body = b'{"model": "fake/m", "messages": [], "x": "%b"}' % (b"x" * padding)
    return parse(Principal("prj", "key:k", "ingest"), {}, body, SystemClock())


async def test_close_stores_what_waits() -> None:
    sink = MemorySink()
    recorder = Recorder(sink)
    for _ in range(600):
        recorder.offer(finished())
    assert sink.spans == [], "offering does not wait for the door"
    await recorder.close()
    assert len(sink.spans) == 600


async def test_a_busy_door_is_knocked_at_again() -> None:
    sink = MemorySink()
    sink.busy = True
    recorder = Recorder(sink)
    recorder.offer(finished())
    while sink.refusals < 3:
        await asyncio.sleep(0.001)
    sink.busy = False
    await recorder.close()
    assert len(sink.spans) == 1
    assert recorder.lost == 0


async def test_what_does_not_fit_is_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    recorder = Recorder(sink, capacity=2)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            recorder.offer(finished())
    assert recorder.lost == 3
    assert len(caplog.records) == 1
    await recorder.close()
    assert len(sink.spans) == 2


async def test_large_bodies_fill_the_queue_too() -> None:
    sink = MemorySink()
    recorder = Recorder(sink, capacity_bytes=1000)
    for _ in range(5):
        recorder.offer(finished(padding=600))
    await recorder.close()
    assert (len(sink.spans), recorder.lost) == (2, 3)


async def test_a_batch_nobody_can_store_does_not_end_the_next(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    sink.broken = True
    recorder = Recorder(sink)
    recorder.offer(finished())
    await recorder.flush()
    sink.broken = False
    recorder.offer(finished())
    await recorder.close()
    assert (len(sink.spans), recorder.lost) == (1, 1)
    assert "could not be stored" in caplog.text


async def test_closing_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    sink.busy = True
    recorder = Recorder(sink, drain_s=0.02)
    recorder.offer(finished())
    await recorder.close()
    assert recorder.lost == 1
    assert "the server stopped" in caplog.text
