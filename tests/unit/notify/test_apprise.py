"""Real deliveries: to a webhook and to a mail server on this machine; what fails is said without the address."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.notify import AppriseSender
from assay_server.notify.apprise import fitted
from tests.fakes.mailbox import Mailbox, receiving
from tests.fakes.rest import Answer, FakeServer, serving

# Apprise looks for old modules of Python's when it loads its services.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with receiving() as box:
        yield box


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
    assert await sender.send(mailbox.url, "p95 latency", "n = 30\nhttp://assay.test/incidents/inc_1", "warning") is None
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


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_webhook_that_sends_elsewhere_was_not_told(
    sender: AppriseSender, hook: FakeServer, status: int
) -> None:
    """What follows a redirect asks for the page behind it, without the message, and is answered 200."""
    hook.on("POST", "/in/SECRETPATH", Answer(None, status, {"Location": "/login"}))
    hook.on("GET", "/login", {}).on("POST", "/login", {})
    reason = await sender.send(address(hook), "t", "b", "info")
    assert reason is not None
    assert str(status) in reason
    assert not hook.calls("GET", "/login")


async def test_what_a_mail_server_answers_is_said(sender: AppriseSender, mailbox: Mailbox) -> None:
    mailbox.full = True
    reason = await sender.send(mailbox.url, "t", "b", "info")
    assert reason is not None
    assert "452 no room" in reason
    assert "example.com" not in reason
    mailbox.full = False
    assert await sender.send(mailbox.url, "t", "b", "info") is None


async def test_an_address_that_hangs_is_not_tried_again_meanwhile(
    sender: AppriseSender, hook: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try holds a thread; a service that answers a byte now and then would take them all."""
    monkeypatch.setattr("assay_server.notify.apprise._STUCK_S", 0.0)
    asked, answers = threading.Event(), threading.Event()

    def slowly(_: object) -> Answer:
        asked.set()
        answers.wait(30)
        return Answer({})

    hook.on("POST", "/in/SECRETPATH", slowly)
    first = asyncio.create_task(sender.send(address(hook), "t", "b", "info"))
    await asyncio.to_thread(asked.wait, 30)
    again = await sender.send(address(hook), "t", "b", "info")
    answers.set()
    assert (again, await first) == ("an earlier try has not come to an end", None)
    assert await sender.send(address(hook), "t", "b", "info") is None
    assert len(hook.calls("POST", "/in/SECRETPATH")) == 2


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


def test_a_body_that_a_service_would_refuse_is_shortened_between_lines() -> None:
    lines = "\n".join(f"errors of user {nth}" for nth in range(1000))
    assert fitted(lines, 20_000) == lines
    short = fitted(lines, 200)
    assert len(short) <= 200
    *whole, note = short.split("\n")
    assert whole == lines.split("\n")[: len(whole)]
    assert len(whole) > 5
    assert note == "… and more than this service takes"
    assert len(fitted("x" * 1000, 100)) == 100


async def test_a_message_about_very_many_groups_fits_into_what_a_webhook_takes(
    sender: AppriseSender, hook: FakeServer
) -> None:
    assert await sender.send(address(hook), "Assay: 200 opened", "errors of one user\n" * 4000, "warning") is None
    [seen] = hook.calls("POST", "/in/SECRETPATH")
    assert 25_000 < len(seen.json["message"]) <= 32_768  # Apprise's own limit for webhooks
