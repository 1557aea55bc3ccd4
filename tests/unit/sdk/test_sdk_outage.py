"""A server that is away neither breaks nor blocks the application, and hardly anything is lost."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import pytest
from google.rpc.status_pb2 import Status

import assay
from assay._outbox import Outage, Outbox, TryAgain, Undeliverable
from tests.fakes.rest import Answer, FakeServer, problem
from tests.fixtures.waiting import until


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_spans_and_scores_wait_for_the_server_to_come_back(
    connected: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    connected.stop()
    for n in range(3):
        with assay.span(f"span {n}") as span:
            pass
        assay.score("helpful", n, trace_id=span.trace_id)
    assert assay.flush(0.1) is False
    until(lambda: _warnings(caplog))
    connected.on("POST", "/api/v1/scores", {"items": []})
    connected.start()
    assert assay.flush(10) is True
    assert {span.name for span in connected.spans()} == {"span 0", "span 1", "span 2"}
    sent = [score for seen in connected.calls("POST", "/api/v1/scores") for score in seen.json]
    assert sorted(score["value"] for score in sent) == [0, 1, 2]
    assert len(_warnings(caplog)) == 1


def test_what_failed_before_the_server_came_back_begins_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    """Spans and scores have a sender each: one may still wait for an answer when the other has got its own."""
    outage = Outage("http://x")
    began = time.monotonic()
    outage.begin("refused", began)
    outage.end()
    outage.begin("refused", began)
    assert len(_warnings(caplog)) == 1
    outage.begin("refused", time.monotonic())
    assert len(_warnings(caplog)) == 2


def test_a_busy_server_gets_the_same_spans_again(connected: FakeServer) -> None:
    connected.on("POST", "/v1/traces", problem(503, "full", code="busy"))
    with assay.span("late"):
        pass
    assay.flush(0.2)
    connected.on("POST", "/v1/traces")
    assert assay.flush(10) is True
    assert connected.spans()[-1].name == "late"


def test_a_refused_key_is_told_once_and_nothing_piles_up(
    connected: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    connected.on("POST", "/v1/traces", problem(401, "Nobody knows this key.", fix="make one"))
    for _ in range(3):
        with assay.span("refused"):
            pass
        assert assay.flush(10) is True
    [warning] = _warnings(caplog)
    assert "Nobody knows this key. Fix: make one" in warning


def test_a_refusal_in_protobuf_is_told_in_words_alone(connected: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    said = Status(code=16, message="Nobody knows this key, or it was revoked. Fix: ask an admin for a new one")
    sent = Answer(said.SerializeToString(), 401, {"Content-Type": "application/x-protobuf"})
    connected.on("POST", "/v1/traces", sent)
    with assay.span("refused"):
        pass
    assert assay.flush(10) is True
    [warning] = _warnings(caplog)
    assert "refused spans: Nobody knows this key" in warning


def test_the_end_of_the_program_bears_a_dead_server() -> None:
    program = """
import assay
assay.init("http://127.0.0.1:9", "sk")
with assay.span("lost"):
    assay.score("helpful", 1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.count("\n") == 1
    assert "going on without it" in done.stderr


def test_the_end_waits_for_as_long_as_something_is_delivered_and_tells_what_was_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def slow(batch: Sequence[int]) -> None:
        time.sleep(0.1 if batch[0] < 5 else 3)

    box = Outbox("numbers", slow, Outage("http://x"), batch=1, linger_s=0)
    for n in range(9):
        box.put(n)
    assert box.close(0.4, 30) is False
    assert box._settled == 5
    assert _warnings(caplog) == ["4 numbers were not sent to Assay: the program ended first."]


def test_a_program_that_ends_at_once_loses_nothing(fake_rest: FakeServer) -> None:
    fake_rest.on("POST", "/v1/traces", lambda _: time.sleep(0.4) or Answer(b""))
    program = f"""
import assay
assay.init("{fake_rest.url}", "sk")
for n in range(6 * 512):
    with assay.span("one of many"):
        pass
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
    assert len(fake_rest.spans()) == 6 * 512


def test_closing_does_not_wait_for_an_attempt_that_hangs() -> None:
    gate = threading.Event()

    def hang(_: Sequence[int]) -> None:
        gate.wait(60)

    box = Outbox("numbers", hang, Outage("http://x"), linger_s=0)
    box.put(1)
    assert box.close(0.05) is False
    gate.set()


def test_a_forked_child_sends_its_own_spans(fake_rest: FakeServer) -> None:
    program = f"""
import os, assay
assay.init("{fake_rest.url}", "sk")
with assay.span("parent"):
    pass
child = os.fork()
if child == 0:
    with assay.span("child"):
        pass
    assert assay.flush(10)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert assay.flush(10)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=60, check=True)
    assert sorted(span.name for span in fake_rest.spans()) == ["child", "parent"]


def test_spans_of_an_application_with_its_own_provider_are_sent_too(fake_rest: FakeServer) -> None:
    program = f"""
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider(resource=Resource.create({{"service.name": "theirs"}}))
trace.set_tracer_provider(provider)
import assay
assay.init("{fake_rest.url}", "sk", service="ours")
assert trace.get_tracer_provider() is provider
with assay.context(user="ada"), trace.get_tracer("app").start_as_current_span("theirs"):
    with assay.span("ours"):
        pass
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
    theirs, ours = fake_rest.span("theirs"), fake_rest.span("ours")
    assert ours.parent_id == theirs.span_id
    assert theirs.attributes["user.id"] == "ada"
    assert theirs.resource["service.name"] == "theirs"


def test_the_queue_is_bounded_and_counts_what_it_drops() -> None:
    gate = threading.Event()
    sent: list[int] = []

    def send(batch: Sequence[int]) -> None:
        gate.wait(10)
        sent.extend(batch)

    box = Outbox("numbers", send, Outage("http://x"), capacity=5, batch=2, linger_s=0)
    for n in range(50):
        box.put(n)
    assert box.lost >= 43  # two may be on their way, five wait
    gate.set()
    assert box.flush(10)
    assert len(sent) + box.lost == 50
    assert box.close(10)


def test_closing_tries_once_more_and_gives_up() -> None:
    attempts: list[Sequence[int]] = []

    def send(batch: Sequence[int]) -> None:
        attempts.append(batch)
        raise TryAgain("away")

    box = Outbox("numbers", send, Outage("http://x"), linger_s=0)
    box.put(1)
    box.flush(0.05)
    before = len(attempts)
    assert box.close(10) is True  # settled: given up, and counted
    assert len(attempts) > before
    assert box.lost == 1
    box.put(2)
    assert box.lost == 2


def test_a_refused_batch_does_not_stop_the_next() -> None:
    sent: list[int] = []

    def send(batch: Sequence[int]) -> None:
        if 1 in batch:
            raise Undeliverable("no")
        sent.extend(batch)

    box = Outbox("numbers", send, Outage("http://x"), batch=1, linger_s=0)
    for n in (1, 2):
        box.put(n)
    assert box.flush(10)
    assert (sent, box.lost) == ([2], 1)
    box.close(10)


def test_a_fault_of_ours_is_logged_and_the_thread_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[int] = []

    def send(batch: Sequence[int]) -> None:
        if 1 in batch:
            raise ZeroDivisionError
        sent.extend(batch)

    box = Outbox("numbers", send, Outage("http://x"), batch=1, linger_s=0)
    for n in (1, 2):
        box.put(n)
    assert box.flush(10)
    assert sent == [2]
    assert "1 numbers could not be sent" in caplog.text
    box.close(10)


def test_partial_success_is_told(connected: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    told = ExportTraceServiceResponse()
    told.partial_success.rejected_spans = 1
    told.partial_success.error_message = "span 0: too deep"
    connected.on("POST", "/v1/traces", Answer(told.SerializeToString()))
    with assay.span("broken"):
        pass
    assert assay.flush(10)
    assert "refused 1 span(s): span 0: too deep" in caplog.text
