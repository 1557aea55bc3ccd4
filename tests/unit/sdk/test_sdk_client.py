"""Both clients: what they send, what they make of errors, and when they try again."""

import inspect
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

import assay
from assay import _nouns
from assay._calls import Pause, Request, Response, endpoint, every, send
from assay._drivers import unreachable
from assay._errors import from_response
from tests.fakes.rest import Answer, FakeServer, Seen, problem


@pytest.fixture
def client(fake_rest: FakeServer) -> assay.Client:
    return assay.Client(fake_rest.url, "sk_test")


def test_a_write_carries_key_body_and_an_idempotency_key(client: assay.Client, fake_rest: FakeServer) -> None:
    fake_rest.on("POST", "/api/v1/prompts", {"id": "prv_1"}, status=201)
    assert client.prompts.push("support/answer", {"system": "Ä"}, changelog="first") == {"id": "prv_1"}
    [seen] = fake_rest.seen
    assert seen.json == {"name": "support/answer", "template": {"system": "Ä"}, "changelog": "first"}
    assert seen.headers["authorization"] == "Bearer sk_test"
    assert len(seen.headers["idempotency-key"]) >= 16


async def test_the_asynchronous_client_sends_the_same(fake_rest: FakeServer) -> None:
    fake_rest.on("GET", "/api/v1/channels/production/resolve", {"arm": None})
    async with assay.AsyncClient(fake_rest.url, "sk_test") as client:
        assert await client.channels.resolve("production", unit="a b") == {"arm": None}
    with assay.Client(fake_rest.url, "sk_test") as blocking:
        blocking.channels.resolve("production", unit="a b")
    first, second = fake_rest.seen
    assert (first.query, first.path) == (second.query, second.path)
    assert first.query == {"unit": "a b"}


def test_names_with_slashes_and_odd_characters_stay_in_the_path(client: assay.Client, fake_rest: FakeServer) -> None:
    fake_rest.on("GET", "/api/v1/prompt-versions/a/b@2", {"id": "x"})
    assert client.prompts.get("a/b@2") == {"id": "x"}
    with pytest.raises(assay.NotFound):
        client.prompts.get("a?b=c#d")
    assert fake_rest.seen[-1].path == "/api/v1/prompt-versions/a?b=c#d"


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda c, odd: c.views.delete(odd), "/api/v1/views/{}"),
        (lambda c, odd: c.views.put(odd, "traces", {}), "/api/v1/views/{}"),
        (lambda c, odd: c.traces.get(odd), "/api/v1/traces/{}"),
        (lambda c, odd: c.traces.as_test("t", odd), "/api/v1/traces/t/spans/{}/test"),
        (lambda c, odd: c.keys.revoke(odd), "/api/v1/keys/{}"),
        (lambda c, odd: c.incidents.get(odd), "/api/v1/incidents/{}"),
        (lambda c, odd: c.runs.get(odd), "/api/v1/runs/{}"),
        (lambda c, odd: c.deletions.proof(odd), "/api/v1/deletions/{}/proof"),
    ],
)
def test_a_question_mark_in_a_name_does_not_end_it(
    client: assay.Client, fake_rest: FakeServer, ask: Callable[[assay.Client, str], Any], path: str
) -> None:
    """`views.delete("Slow?")` must not delete the view "Slow"."""
    for odd in ("Slow?", "Slow #1", "50 %", "line\r", "Zürich 💥"):
        with pytest.raises(assay.NotFound):
            ask(client, odd)
        assert (fake_rest.seen[-1].path, fake_rest.seen[-1].query) == (path.format(odd), {})


@pytest.mark.parametrize(
    "ask",
    [
        lambda c, half: c.datasets.push("g", [{"input": f"a question {half}"}]),
        lambda c, half: c.traces.get(half),
        lambda c, half: c.traces.list(user=half),
    ],
)
def test_half_a_character_is_refused_before_it_is_sent(
    client: assay.Client, fake_rest: FakeServer, ask: Callable[[assay.Client, str], Any]
) -> None:
    with pytest.raises(assay.InvalidInput, match=r"half a character \(U\+D800\)") as refused:
        ask(client, "\ud800")
    assert refused.value.fix
    assert fake_rest.seen == []


def test_a_score_is_taken_back_by_its_id_whatever_signs_it_has(client: assay.Client, fake_rest: FakeServer) -> None:
    fake_rest.on("DELETE", "/api/v1/scores/thumb/42~a", None)
    client.scores.delete("thumb/42~a")
    assert (fake_rest.seen[-1].method, fake_rest.seen[-1].path) == ("DELETE", "/api/v1/scores/thumb/42~a")


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, assay.InvalidInput),
        (401, assay.Unauthenticated),
        (403, assay.Forbidden),
        (404, assay.NotFound),
        (409, assay.Conflict),
        (413, assay.TooLarge),
        (415, assay.UnsupportedMedia),
        (418, assay.InvalidInput),
        (422, assay.Refused),
        (429, assay.RateLimited),
        (500, assay.ServerError),
        (502, assay.UpstreamError),
        (503, assay.Unavailable),
    ],
)
def test_problem_documents_become_errors(status: int, cls: type[assay.AssayError]) -> None:
    body = json.dumps({"detail": "Bad.", "field": "model", "value": "gpt-4o", "fix": "pin it", "code": "c"}).encode()
    error = from_response(status, {"retry-after": "7"}, body)
    assert type(error) is cls
    assert (error.field, error.value, error.fix, error.status) == ("model", "gpt-4o", "pin it", status)
    where = "Field: model: gpt-4o. " if status in {400, 409, 413, 415, 422} else ""
    assert str(error) == f"Bad. {where}Fix: pin it"
    if isinstance(error, assay.RetryableError):
        assert error.retry_after_s == 7


def test_what_the_message_says_of_the_field_is_not_said_again() -> None:
    told = json.dumps({"detail": "rule.above: 5 is too much.", "field": "rule.above", "value": 5}).encode()
    assert from_response(400, {}, told).where is None
    bare = json.dumps({"detail": "Say which score.", "field": "metric.score", "value": None}).encode()
    assert from_response(400, {}, bare).where == "metric.score"


@pytest.mark.parametrize("key", ["sk_…", "ключ", "sk_a\nb"])
def test_what_no_header_can_hold_is_no_key(key: str) -> None:
    with pytest.raises(assay.InvalidInput) as refused:
        assay.Client("http://127.0.0.1:1", key)
    assert (refused.value.field, refused.value.value) == ("api_key", None)  # it may be a secret all the same


def test_a_line_s_end_behind_a_key_is_left_out() -> None:
    assert assay.Client("http://127.0.0.1:1", " sk_abc\n").connection.api_key == "sk_abc"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "no such model", "param": "model"}}', "no such model"),
        (
            b"<html>proxy</html>",
            "HTTP 502, and not from Assay: something stands before it, or in its place.",
        ),
        (b"", "HTTP 502"),
        (b"[1]", "HTTP 502"),
    ],
)
def test_other_error_bodies_are_understood_too(body: bytes, message: str) -> None:
    assert from_response(502, {}, body).message == message


def test_a_busy_server_is_asked_again_with_the_same_key(client: assay.Client, fake_rest: FakeServer) -> None:
    def busy_once(_: Seen) -> Answer:
        first = len(fake_rest.seen) == 1
        return problem(503, "full", code="busy") if first else Answer({"items": []}, 201)

    fake_rest.on("POST", "/api/v1/scores", busy_once)
    client.scores.post({"name": "x", "value": 1})
    one, two = fake_rest.seen
    assert one.headers["idempotency-key"] == two.headers["idempotency-key"]


def test_a_refusal_is_final(client: assay.Client, fake_rest: FakeServer) -> None:
    fake_rest.on("POST", "/api/v1/channels/production/promote", problem(422, "No passing verdict.", code="refused"))
    with pytest.raises(assay.Refused, match="No passing verdict"):
        client.channels.promote("production", "support@2", "try")
    assert len(fake_rest.seen) == 1


def test_what_may_not_be_repeated_is_sent_once() -> None:
    call = send(Request("POST", "/v1/chat/completions", None, {}))
    next(call)
    with pytest.raises(assay.UpstreamError):
        call.send(Response(502))


def test_retry_after_is_honoured_up_to_a_bound() -> None:
    call = send(Request("GET", "/x"))
    assert isinstance(next(call), Request)
    assert call.send(Response(503, {"retry-after": "2"})) == Pause(2)
    next(call)
    assert call.send(Response(429, {"retry-after": "900"})) == Pause(5)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_nobody_there_is_its_own_error(fake_rest: FakeServer, kind: str) -> None:
    fake_rest.stop()

    async def info() -> assay.Json:
        return assay.Client(fake_rest.url).info() if kind == "sync" else await assay.AsyncClient(fake_rest.url).info()

    with pytest.raises(assay.ServerUnreachable, match="assay up") as error:
        await info()
    assert error.value.connected is False


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_tls_where_the_server_speaks_none_names_the_scheme(fake_rest: FakeServer, kind: str) -> None:
    url = fake_rest.url.replace("http://", "https://")
    with pytest.raises(assay.ServerUnreachable) as error:
        await _info(url, kind)
    assert f"set ASSAY_URL to {fake_rest.url} " in str(error.value)
    assert "assay up" not in str(error.value)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_no_tls_where_the_server_wants_it_names_the_scheme(kind: str) -> None:
    with listening(_hang_up) as address:
        with pytest.raises(assay.ServerUnreachable) as error:
            await _info(f"http://{address}", kind)
        assert f"if it speaks TLS, set ASSAY_URL to https://{address};" in str(error.value)


def test_a_certificate_nobody_trusts_is_told_as_such() -> None:
    told = httpx.ConnectError("certificate verify failed")
    told.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    assert "SSL_CERT_FILE" in str(unreachable("https://assay.example", told))


async def _info(url: str, kind: str) -> assay.Json:
    return assay.Client(url).info() if kind == "sync" else await assay.AsyncClient(url).info()


def _hang_up(connection: socket.socket) -> None:
    """As a server that speaks TLS does with what it cannot read."""
    connection.recv(65536)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x46")
    connection.close()


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    answer(server.accept()[0])

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_page_that_is_not_ours_is_told(client: assay.Client, fake_rest: FakeServer) -> None:
    fake_rest.on("GET", "/api/v1/info", Answer(b"<html>"))
    with pytest.raises(assay.ServerUnreachable, match="something else than Assay"):
        client.info()


@pytest.mark.parametrize("url", ["localhost:4600", "ftp://x", "http://", "nonsense"])
def test_a_bad_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(assay.InvalidInput) as error:
        assay.Client(url)
    assert error.value.field == "url"


def test_all_pages_are_collected_until_most() -> None:
    def pages(most: int | None) -> tuple[list[assay.Json], list[Any]]:
        call, limits = every("/traces", most, user="ada"), []
        request: Any = next(call)
        number = 0
        while True:
            limits.append(request.params["limit"])
            assert request.params["user"] == "ada"
            page = [{"n": number + i} for i in range(min(request.params["limit"], 3))]
            number += len(page)
            body = {"items": page, "total": 9, "next": None if number >= 7 else f"c{number}"}
            try:
                request = call.send(Response(200, {}, json.dumps(body).encode()))
            except StopIteration as stop:
                return stop.value, limits

    everything, _ = pages(None)
    assert len(everything) == 9
    some, limits = pages(4)
    assert (len(some), limits) == (4, [4, 1])


def test_waiting_for_a_run_ends_with_the_run(client: assay.Client, fake_rest: FakeServer) -> None:
    def state(_: Seen) -> Answer:
        done = len(fake_rest.seen) >= 3
        return Answer(
            {"id": "run_1", "status": "done" if done else "running", "progress": {"done": len(fake_rest.seen)}}
        )

    fake_rest.on("GET", "/api/v1/runs/run_1", state)
    looks: list[int] = []
    assert client.runs.wait("run_1", lambda run: looks.append(run["progress"]["done"]))["status"] == "done"
    assert looks == [1, 2, 3]


def test_every_endpoint_has_a_docstring_and_works_on_both_drivers() -> None:
    blocking, other = assay.Client("http://x"), assay.AsyncClient("http://x")
    for name in _nouns.__all__:
        noun = getattr(_nouns, name)
        found = {key: value for key, value in vars(noun).items() if isinstance(value, endpoint)}
        assert found, name
        assert all(value.__doc__ for value in found.values()), name
    assert inspect.signature(blocking.prompts.push) == inspect.signature(other.prompts.push)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(None, 302, {"Location": "https://sso.example.com/"}),
        Answer(b"<html>Bad gateway</html>", 502, {"Content-Type": "text/html"}),
        Answer(b"<html>Sign in</html>", 200, {"Content-Type": "text/html"}),
    ],
)
def test_what_stands_before_assay_is_not_taken_for_it(
    client: assay.Client, fake_rest: FakeServer, answer: Answer, tmp_path: Path
) -> None:
    """A redirect was a traceback, and an export the page to sign in at, or nothing, without a word."""
    for path in ("/api/v1/traces", "/api/v1/export/spans"):
        fake_rest.on("GET", path, answer)
    with pytest.raises(assay.ServerUnreachable, match=r"not from Assay|something else than Assay") as refused:
        client.traces.list()
    assert refused.value.status == answer.status
    with (tmp_path / "spans.csv").open("wb") as out, pytest.raises(assay.ServerUnreachable):
        client.export("spans", out, "csv")
    assert (tmp_path / "spans.csv").read_bytes() == b""
