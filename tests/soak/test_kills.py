"""A hundred SIGKILLs at random moments under load, some of them while the store is written anew or the server starts.

What was acknowledged is there, once, whatever door it came through: spans, half of them thinned or waiting for the
tail's decision, log records that follow their spans, and scores. Meanwhile texts grow old, people are deleted, backups
are made and the store is written anew. About a quarter of an hour on an idle machine; `KILLS=5` is a first look.
"""

import asyncio
import gzip
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from assay_server.store import DuckStore, counted
from tests.fixtures import otlp
from tests.fixtures.server import KEY, RunningServer, free_port
from tests.fixtures.waiting import until

KILLS = int(os.environ.get("KILLS", "100"))
SEED = 20261125

Ids = frozenset[tuple[str, str]]

_BORN_NS = time.time_ns()
_DAY_NS = 86_400 * 10**9
_TEXT = "whatever was said"
_RETENTION = [{"text_days": 1}]
_SAMPLING = {
    "rules": [{"name": "agents", "match": {"name": "agent"}, "action": "sample", "rate": 0.5}],
    "tail": {"share": 0.5, "quiet_s": 1},
}
_PAUSE_S = 0.05
_SETTLED_S = 300


@dataclass(slots=True, frozen=True)
class Batch:
    """An encoded export request; `starts`: when each of its spans began, by (trace id, span id)."""

    body: bytes
    starts: dict[tuple[str, str], int]

    @property
    def ids(self) -> Ids:
        return frozenset(self.starts)


Send = Callable[[Batch], bool]
"""Whether the server acknowledged the batch."""


class Sender(threading.Thread):
    """Sends batches until told to stop; one that is not acknowledged is sent again, as it is."""

    def __init__(self, send: Send, seed: int) -> None:
        super().__init__(daemon=True)
        self._send, self._rng = send, random.Random(f"sender {seed}")  # ids of nobody else
        self._stopped = threading.Event()
        self.acknowledged: set[tuple[str, str]] = set()
        self.resent = 0

    def run(self) -> None:
        batch = a_batch(self._rng)
        while not self._stopped.is_set():
            if self._send(batch):
                self.acknowledged |= batch.ids
                batch = a_batch(self._rng)
            else:
                self.resent += 1
                time.sleep(_PAUSE_S)

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=60)
        assert not self.is_alive()


def a_batch(rng: random.Random, *, user: str | None = None) -> Batch:
    """Spans with texts, of today or, so that retention has something to do, of three days ago."""
    request = ExportTraceServiceRequest.FromString(otlp.batch(rng, traces=4, spans_each=5).body)
    earlier = rng.choice([0, 3 * _DAY_NS])
    starts = {}
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.start_time_unix_nano -= earlier
        span.end_time_unix_nano -= earlier
        span.attributes.append(otlp.text("assay.input", _TEXT))
        if user is not None:
            span.attributes.append(otlp.text("user.id", user))
        starts[span.trace_id.hex(), span.span_id.hex()] = span.start_time_unix_nano
    return Batch(request.SerializeToString(), starts)


def over_http(client: httpx.Client, *, zipped: bool) -> Send:
    headers = otlp.PROTOBUF | ({"content-encoding": "gzip"} if zipped else {})

    def send(batch: Batch) -> bool:
        body = gzip.compress(batch.body) if zipped else batch.body
        try:
            return client.post("/v1/traces", content=body, headers=headers).status_code == 200
        except httpx.TransportError:
            return False

    return send


def over_grpc(port: int) -> Send:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_reconnect_backoff_ms", 500)])
    stub = TraceServiceStub(channel)

    def send(batch: Batch) -> bool:
        request = ExportTraceServiceRequest.FromString(batch.body)
        try:
            stub.Export(request, timeout=10, metadata=(("authorization", f"Bearer {KEY}"),))
        except grpc.RpcError:
            return False
        return True

    return send


def with_logs(client: httpx.Client, rng: random.Random) -> Send:
    """A log record with content for each span, before the spans or after them; and one score for all."""

    def send(batch: Batch) -> bool:
        posts = [_post_spans, _post_logs]
        rng.shuffle(posts)
        try:
            return all(post(client, batch) for post in (*posts, _post_score))
        except httpx.TransportError:
            return False

    return send


def _post_spans(client: httpx.Client, batch: Batch) -> bool:
    return client.post("/v1/traces", content=batch.body, headers=otlp.PROTOBUF).status_code == 200


def _post_logs(client: httpx.Client, batch: Batch) -> bool:
    records = [
        {
            "timeUnixNano": str(start_ns),
            "traceId": trace_id,
            "spanId": span_id,
            "eventName": "gen_ai.user.message",
            "attributes": [{"key": "content", "value": {"stringValue": _TEXT}}],
        }
        for (trace_id, span_id), start_ns in sorted(batch.starts.items())
    ]
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    return client.post("/v1/logs", json=body).status_code == 200


def _post_score(client: httpx.Client, batch: Batch) -> bool:
    """By an id that makes it one, however often it is sent."""
    trace_id, span_id = min(batch.ids)
    score = {"name": "soak", "value": 1, "id": f"soak-{span_id}", "trace_id": trace_id, "span_id": span_id}
    return client.post("/api/v1/scores", json=score).status_code == 201


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


def _bother(client: httpx.Client, rng: random.Random) -> Ids:
    """Sets something going that a kill should find half done. Whose deletion was acknowledged: what they had sent."""
    path = rng.choice(["compactions", "compactions", "backups", "deletions", "deletions", "retention/passes"])
    try:
        if path != "deletions":
            client.post(f"/api/v1/{path}")
            return frozenset()
        user = f"leaving-{rng.randrange(10**9)}"
        batch = a_batch(rng, user=user)
        asked = with_logs(client, rng)(batch) and client.post(f"/api/v1/{path}", json={"user": user, "reason": "soak"})
        return batch.ids if asked and asked.is_success else frozenset()
    except httpx.TransportError:
        return frozenset()


def _settle(client: httpx.Client) -> None:
    """Returns when nothing waits any more: contents are decided over, people are gone, records followed their spans."""
    _until(lambda: not client.get("/api/v1/sampling").json()["waiting"]["spans"])
    _until(lambda: all(one["status"] == "done" for one in client.get("/api/v1/deletions").json()["items"]))
    made = client.post("/api/v1/retention/passes").raise_for_status().json()["id"]
    _until(lambda: made not in _running(client))
    _until(lambda: client.post("/api/v1/sql", json={"sql": _UNFOLLOWED}).json()["rows"] == [[0]])


def _running(client: httpx.Client) -> set[str]:
    passes = client.get("/api/v1/retention/passes").json()["items"]
    return {one["id"] for one in passes if one["status"] == "running"}


def _until(done: Callable[[], bool]) -> None:
    until(done, _SETTLED_S, pause_s=0.5)


@pytest.mark.soak
@pytest.mark.timeout(5400)
def test_a_hundred_kills_lose_nothing_acknowledged_and_store_nothing_twice(tmp_path: Path) -> None:
    rng, grpc_port, began = random.Random(SEED), free_port(), time.monotonic()
    server = RunningServer(tmp_path / "data", ASSAY_GRPC_PORT=str(grpc_port))
    gone: set[tuple[str, str]] = set()
    with server.client(timeout=10) as asking, ExitStack() as stack:
        stack.callback(server.kill)
        server.start(timeout=120)
        asking.put("/api/v1/retention", json={"rules": _RETENTION}).raise_for_status()
        asking.put("/api/v1/sampling", json=_SAMPLING).raise_for_status()
        plain, zipped, logs = (stack.enter_context(server.client(timeout=10)) for _ in range(3))
        sends = [over_http(plain, zipped=False), over_http(zipped, zipped=True), over_grpc(grpc_port)]
        sends.append(with_logs(logs, random.Random(f"order {SEED}")))
        senders = [Sender(send, SEED + number) for number, send in enumerate(sends)]
        for sender in senders:
            sender.start()
        for kill in range(KILLS):
            if rng.random() < 0.5:
                gone |= _bother(asking, rng)
            time.sleep(rng.uniform(0.05, 1.5))
            server.kill()
            killed = time.monotonic()
            server.start(timeout=120)
            told = sum(len(sender.acknowledged) for sender in senders)
            up_s = time.monotonic() - killed
            _tell(
                f"kill {kill + 1}, seed {SEED}: {told} acknowledged, {len(gone)} of them to go, up after {up_s:.1f} s"
            )
        for sender in senders:
            sender.stop()
        _settle(asking)
        chain = asking.get("/api/v1/audit/verify").json()
    server.stop()

    stored = asyncio.run(_stored(tmp_path / "data" / "facts"))
    acknowledged = set[tuple[str, str]]().union(*(sender.acknowledged for sender in senders))
    of_logs = senders[-1].acknowledged
    _tell(
        f"{KILLS} kills in {time.monotonic() - began:.0f} s: {len(acknowledged)} spans acknowledged,"
        f" {len(stored.spans)} stored, {stored.twice} twice, resent {[sender.resent for sender in senders]};"
        f" log records {len(of_logs)}, {len(stored.records)} stored;"
        f" scores {len(of_logs) // 20}, {stored.scores} stored;"
        f" contents {stored.contents}, texts let go {stored.let_go}; deleted people's spans {len(gone)}"
    )
    assert all(sender.acknowledged and sender.resent for sender in senders)
    assert acknowledged - stored.spans == set()
    assert of_logs - stored.records == set()
    assert stored.scores >= len(of_logs) // 20, "one for each batch"
    assert stored.twice == dict.fromkeys(stored.twice, 0)
    assert stored.wrong == dict.fromkeys(stored.wrong, 0)
    assert stored.contents.keys() >= {"kept", "sampled_out", "let_go"}
    assert gone or KILLS < 20, "nobody was deleted"
    assert (stored.spans | stored.records) & gone == set(), "people who are deleted stay deleted"
    assert chain["ok"] is True


@dataclass(slots=True)
class Stored:
    """What the files hold. `twice`: by table, ids that stand there more than once; `wrong`: what must not be."""

    spans: set[tuple[str, str]]
    records: set[tuple[str, str]]
    scores: int
    contents: dict[str, int]
    let_go: int
    twice: dict[str, int]
    wrong: dict[str, int]


_UNFOLLOWED = """SELECT count(*) FROM events e JOIN spans s USING (trace_id, span_id)
WHERE e.kind = 'content' AND (s.input IS NULL) <> NOT contains(e.data::VARCHAR, 'whatever was said')"""

_OLD = f"start_ns < {_BORN_NS - _DAY_NS}"

_SPANS_OF_TRACE = (
    "SELECT trace_id, min(start_ns) AS start_ns, max(start_ns) AS last_ns, max(end_ns) AS end_ns,"
    " min(stored_ns) AS stored_ns, bool_or(status = 'error') AS failed"
)

_WRONG = {
    "calls that count": f"SELECT count(*) FROM (SELECT key, cost, model FROM ({counted('spans')})) s"
    " FULL JOIN counted_calls c USING (key)"
    " WHERE (s.cost, s.model) IS DISTINCT FROM (c.cost, c.model) OR c.trace IS NULL",
    "sums of traces": f"SELECT count(*) FROM ({_SPANS_OF_TRACE} FROM spans GROUP BY 1) s FULL JOIN trace_sums t"
    " USING (trace_id) WHERE (s.start_ns, s.last_ns, s.end_ns, s.stored_ns, s.failed)"
    " IS DISTINCT FROM (t.start_ns, t.last_ns, t.end_ns, t.stored_ns, t.failed)",
    "text is there exactly where it was kept": "SELECT count(*) FROM spans"
    " WHERE (input IS NOT NULL) <> (coalesce(content, 'kept') = 'kept' AND let_go_ns IS NULL)",
    "an old text": f"SELECT count(*) FROM spans WHERE {_OLD} AND input IS NOT NULL",
    "an old text of a log record": "SELECT count(*) FROM events WHERE kind = 'content'"
    f" AND {_OLD.replace('start_ns', 'time_ns')} AND contains(data, '{_TEXT}')",
    "a log record that does not follow its span": _UNFOLLOWED,
    "something waits": "SELECT count(*) FROM held",
    "traces are counted wrong": "SELECT count(*) FROM (SELECT trace_id, count(*) AS n FROM spans GROUP BY 1) s"
    " FULL JOIN (SELECT trace_id, sum(spans) AS n FROM trace_parts GROUP BY 1) p USING (trace_id)"
    " FULL JOIN traces t USING (trace_id) WHERE s.n IS DISTINCT FROM p.n OR t.trace_id IS NULL",
}

_TWICE = {
    "spans": "trace_id, span_id FROM spans",
    "traces": "trace_id FROM traces",
    "records": "trace_id, span_id FROM events WHERE kind = 'content'",
    "scores": "id FROM scores",
}


async def _stored(folder: Path) -> Stored:
    store = await DuckStore.open(folder)

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return store._connection.execute(sql).fetchall()

    def number(sql: str) -> int:
        return int(rows(sql)[0][0])

    found = Stored(
        spans=set(rows("SELECT trace_id, span_id FROM spans")),
        records=set(rows("SELECT trace_id, span_id FROM events WHERE kind = 'content'")),
        scores=number("SELECT count(*) FROM scores WHERE name = 'soak'"),
        contents=dict(rows("SELECT coalesce(content, 'kept'), count(*) FROM spans GROUP BY ALL")),
        let_go=number("SELECT count(*) FROM spans WHERE let_go_ns IS NOT NULL"),
        twice={
            name: number(f"SELECT count(*) FROM (SELECT count(*) AS n, {of} GROUP BY ALL) WHERE n > 1")
            for name, of in _TWICE.items()
        },
        wrong={what: number(sql) for what, sql in _WRONG.items()},
    )
    await store.close()
    return found
