"""Real deliveries: to a webhook and to a mail server on this machine; what fails is said without the address."""

import json
import logging
import socketserver
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.notify import AppriseSender
from tests.fakes.rest import Answer, FakeServer, serving

# Apprise looks for old modules of Python's when it loads its services.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Mailbox(socketserver.ThreadingTCPServer):
    """Enough of SMTP (RFC 5321) to take mail; `letters` holds what came."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.letters: list[str] = []
        super().__init__(("127.0.0.1", 0), _Smtp)


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "DATA":
                self._say("354 go on")
                self._take()
            self._say("221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                return

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline().decode()) not in {".\r\n", ""}:
            lines.append(line)
        self.server.letters.append("".join(lines))  # type: ignore[attr-defined]

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    threading.Thread(target=box.serve_forever, args=(0.01,), daemon=True).start()
    yield box
    box.shutdown()
    box.server_close()


@pytest.fixture
def hook() -> Iterator[FakeServer]:
    with serving() as server:
        yield server.on("POST", "/in/SECRETPATH", {})


@pytest.fixture
async def sender() -> AsyncIterator[AppriseSender]:
    made = AppriseSender()
    yield made
    await made.close()


def address(hook: FakeServer) -> str:
    return hook.url.replace("http://", "json://") + "/in/SECRETPATH"


async def test_a_webhook_gets_title_body_and_kind(sender: AppriseSender, hook: FakeServer) -> None:
    assert await sender.send(address(hook), "errors", "n = 30", "critical") is None
    [seen] = hook.calls("POST", "/in/SECRETPATH")
    assert (seen.json["title"], seen.json["message"], seen.json["type"]) == ("errors", "n = 30", "failure")


async def test_mail_arrives(sender: AppriseSender, mailbox: Mailbox) -> None:
    port = mailbox.server_address[1]
    url = f"mailto://127.0.0.1:{port}?from=assay@example.com&to=ops@example.com&smtp=127.0.0.1"
    assert await sender.send(url, "p95 latency", "n = 30\nhttp://assay.test/incidents/inc_1", "warning") is None
    [letter] = mailbox.letters
    assert "Subject: p95 latency" in letter
    assert "inc_1" in letter


@pytest.mark.parametrize("status", [400, 500])
async def test_a_refusal_says_why_but_not_where(
    sender: AppriseSender, hook: FakeServer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    hook.on("POST", "/in/SECRETPATH", Answer({}, status))
    with caplog.at_level(logging.DEBUG):
        reason = await sender.send(address(hook), "t", "b", "info")
    assert reason is not None
    assert str(status) in reason
    assert "SECRETPATH" not in json.dumps([reason, caplog.text])


async def test_nobody_there_is_said(sender: AppriseSender) -> None:
    reason = await sender.send("json://user:hunter22@127.0.0.1:9/path", "t", "b", "info")
    assert reason is not None
    assert "onnection" in reason
    assert "hunter22" not in reason


@pytest.mark.parametrize("url", ["nonsense://SECRET", "slack://", "syslog://localhost", "no address at all"])
async def test_what_is_no_address_is_refused_without_repeating_it(sender: AppriseSender, url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await sender.check(url)
    assert refused.value.field == "url"
    assert "SECRET" not in f"{refused.value.message} {refused.value.value} {refused.value.fix}"
    assert await sender.send(url, "t", "b", "info") is not None
