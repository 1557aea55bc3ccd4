"""A 200 means committed: SIGKILL at any moment loses nothing acknowledged, and a resend stores nothing twice."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from tests.fixtures import otlp
from tests.fixtures.server import RunningServer

KILLS = 5  # a hundred in `make soak`


class Sender(threading.Thread):
    """Repeats `send` until told to stop; a send without an answer is repeated with the same content."""

    def __init__(self, server: RunningServer, send: Callable[[httpx.Client, random.Random], None], seed: int) -> None:
        super().__init__(daemon=True)
        self._server, self._send, self._rng = server, send, random.Random(seed)
        self._stopped = threading.Event()
        self.failure: AssertionError | None = None

    def run(self) -> None:
        with self._server.client(timeout=10) as client:
            while not self._stopped.is_set():
                try:
                    self._send(client, self._rng)
                except AssertionError as error:
                    self.failure = error
                    return

    def finish(self) -> None:
        self._stopped.set()
        self.join(timeout=60)
        if self.failure:
            raise self.failure


class Acknowledged:
    """What the server said 200 or 201 to."""

    def __init__(self) -> None:
        self.spans: set[tuple[str, str]] = set()
        self.prompts: dict[str, str] = {}
        self.resent = 0

    def send_spans(self, client: httpx.Client, rng: random.Random) -> None:
        batch = otlp.batch(rng)
        self._until_answered(lambda: client.post("/v1/traces", content=batch.body, headers=otlp.PROTOBUF))
        self.spans |= batch.ids

    def send_prompt(self, client: httpx.Client, rng: random.Random) -> None:
        name = f"prompt-{rng.getrandbits(64):016x}"
        body = {"name": name, "template": {"user": f"{name}: {{question}}"}}
        answer = self._until_answered(lambda: client.post("/api/v1/prompts", json=body))
        self.prompts[name] = answer.json()["content_hash"]

    def _until_answered(self, post: Callable[[], httpx.Response]) -> httpx.Response:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                response = post()
            except httpx.TransportError:
                self.resent += 1
                time.sleep(0.02)
                continue
            if response.status_code == 503:
                time.sleep(0.02)
                continue
            assert response.status_code in {200, 201}, response.text
            return response
        raise AssertionError("no answer within a minute")


@pytest.mark.timeout(600)  # six starts; a machine that does other things takes its time
def test_kills_lose_nothing_acknowledged(own_server: RunningServer) -> None:
    rng = random.Random(20261121)
    told = Acknowledged()
    own_server.start()
    senders = [Sender(own_server, told.send_spans, seed) for seed in range(3)]
    senders.append(Sender(own_server, told.send_prompt, 99))
    for sender in senders:
        sender.start()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.1, 0.8))
        own_server.kill()
        own_server.start()
    for sender in senders:
        sender.finish()

    assert told.resent > 0
    stored = _stored_spans(own_server)
    assert told.spans - stored.keys() == set()
    assert [span for span, times in stored.items() if times > 1] == []
    with own_server.client() as client:
        for name, content_hash in told.prompts.items():
            versions = client.get(f"/api/v1/prompts/{name}").json()["items"]
            assert [version["content_hash"] for version in versions] == [content_hash]
        assert client.get("/api/v1/audit/verify").json()["ok"] is True


def _stored_spans(server: RunningServer) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    cursor: str | None = None
    with server.client() as client:
        while True:
            params = {"limit": "500"} | ({"cursor": cursor} if cursor else {})
            answer = client.get("/api/v1/spans", params=params).json()
            found.update((item["trace_id"], item["span_id"]) for item in answer["items"])
            cursor = answer["next"]
            if cursor is None:
                assert answer["total"] == sum(found.values())
                return found
