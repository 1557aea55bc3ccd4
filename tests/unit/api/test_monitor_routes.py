"""The routes of monitors and messages over the real rooms."""

from collections.abc import AsyncIterator
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assay_server.api.build import rest
from assay_server.api.services import Services
from assay_server.core.clock import parse_rfc3339
from assay_server.core.ports import Principal
from assay_server.governance import Audit, Idempotency
from assay_server.ledger import Ledger
from assay_server.monitors import Announcer, Incidents, Monitors
from assay_server.notify import Message, NotificationChannels, Outbox, Silences
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.fakes.windows import FakeWindows
from tests.fixtures.ledger import PROJECT

MONITOR = {
    "name": "errors",
    "metric": "error_rate",
    "rule": {"kind": "threshold", "above": 0.05},
    "window_s": 300,
    "filter": {"model": "a"},
}


class Door:
    """Everybody is in the test's project, with the role their key names."""

    async def authenticate(self, headers: Any) -> Principal:
        return Principal(PROJECT, "key:test", headers["x-api-key"])


def scrub(text: str) -> tuple[str, list[str]]:
    return text, []


@pytest.fixture
async def client(ledger: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    clock, sender = FakeClock(), FakeSender()
    audit = Audit(ledger, clock, scrub)
    outbox = Outbox(ledger, clock)
    incidents = Incidents(ledger, audit, clock, scrub, Announcer(outbox, "http://assay.test"))

    async def projects() -> list[str]:
        return [PROJECT]

    windows = FakeWindows(lambda window, group: (100, 0.2))
    ours: dict[str, Any] = {
        "accounts": Door(),
        "idempotency": Idempotency(ledger, clock),
        "incidents": incidents,
        "monitors": Monitors(ledger, windows, incidents, audit, clock, projects),  # type: ignore[arg-type]
        "silences": Silences(ledger, audit, clock, scrub),
        "notification_channels": NotificationChannels(ledger, audit, clock, sender),
        "notifications": outbox,
        "public_url": "http://assay.test",
    }
    services = Services(**{one.name: ours.get(one.name, SimpleNamespace()) for one in fields(Services)})

    async def ready() -> dict[str, str]:
        return {}

    app = rest(services, ready)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://assay.test/api/v1", headers={"x-api-key": "admin"}
    ) as made:
        made.extra = (ledger, outbox)  # type: ignore[attr-defined]
        yield made


async def test_a_monitor_from_its_making_to_its_end(client: httpx.AsyncClient) -> None:
    made = await client.post("/monitors", json=MONITOR)
    assert made.status_code == 201
    shown = made.json()
    assert shown["filter"] == {"model": ["a"]}
    assert (shown["status"], shown["states"], shown["every_s"]) == ("unknown", [], 75)
    listed = (await client.get("/monitors")).json()
    assert listed["total"] == 6
    tested = (await client.post("/monitors/errors/test")).json()["findings"]
    assert [finding["status"] for finding in tested] == ["alarm"]
    changed = await client.put(f"/monitors/{shown['id']}", json=MONITOR | {"enabled": False})
    assert changed.json()["status"] == "off"
    assert (await client.get("/monitors/errors/evaluations")).json()["items"] == []
    assert (await client.delete("/monitors/errors")).status_code == 204
    assert (await client.get("/monitors/errors")).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (MONITOR | {"metric": "x"}, "metric.name"),
        (MONITOR | {"rule": {"kind": "threshold"}}, "rule.above"),
        (MONITOR | {"unheard": 1}, "unheard"),
        (MONITOR | {"window_s": 1}, "window_s"),
        (MONITOR | {"filter": {"kind": "LLM"}}, "filter.kind"),  # it would never ring
        (MONITOR | {"filter": {"-status": ["ok", "failed"]}}, "filter.-status"),
    ],
)
async def test_faults_name_their_field(client: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    answer = await client.post("/monitors", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_silences(client: httpx.AsyncClient) -> None:
    monitor = (await client.post("/monitors", json=MONITOR)).json()["id"]
    made = await client.post("/monitors/errors/silence", json={"minutes": 30, "reason": "deploy"})
    assert (made.status_code, made.json()["subject"]) == (201, monitor)
    whole = await client.post("/silences", json={"ends_at": "2026-11-22T00:00:00Z", "reason": "holiday"})
    assert whole.json()["subject"] is None
    assert (await client.get("/silences")).json()["total"] == 2
    assert (await client.delete(f"/silences/{whole.json()['id']}")).status_code == 204
    assert (await client.get("/silences")).json()["total"] == 1
    assert (await client.get("/silences?past=true")).json()["total"] == 2
    a_while = await client.post("/silences", json={"minutes": 90, "reason": "deploy"})
    assert (a_while.status_code, a_while.json()["subject"]) == (201, None)
    began, ended = (parse_rfc3339(a_while.json()[name]) for name in ("starts_at", "ends_at"))
    assert ended - began == 90 * 60 * 10**9
    both = await client.post("/silences", json={"minutes": 90, "ends_at": "2026-11-22T00:00:00Z", "reason": "x"})
    assert (both.status_code, both.json()["field"]) == (400, "ends_at")
    wrong = await client.post("/silences", json={"ends_at": "soon", "reason": "x"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "ends_at")


async def test_a_silence_comes_again_by_the_clock_of_a_place(client: httpx.AsyncClient) -> None:
    nights = {"from": "02:00", "until": "04:00", "time_zone": "Europe/Berlin"}
    made = await client.post("/silences", json={"repeats": nights, "reason": "nightly load"})
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown["repeats"] == {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], **nights}
    assert (shown["ends_at"], shown["silent_until"]) == (None, None)
    assert shown["next_at"] == "2026-11-22T01:00:00.000000Z"
    assert (await client.get("/silences")).json()["items"] == [shown]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from": "2"}, "repeats.from"),
        ({"until": "24:00"}, "repeats.until"),
        ({"until": "02:00"}, "repeats.until"),
        ({"time_zone": "Europe/Nowhere"}, "repeats.time_zone"),
        ({"time_zone": "../../etc/passwd"}, "repeats.time_zone"),
        ({"time_zone": "Europe"}, "repeats.time_zone"),
        ({"days": []}, "repeats.days"),
        ({"days": ["someday"]}, "repeats.days"),
        ({"days": [["mon"]]}, "repeats.days"),
        ({"weeks": 2}, "repeats.weeks"),
    ],
)
async def test_faults_of_what_comes_again_name_their_field(
    client: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    nights = {"from": "02:00", "until": "04:00", "time_zone": "Europe/Berlin", **changes}
    answer = await client.post("/silences", json={"repeats": nights, "reason": "x"})
    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_a_silence_that_never_ends_and_does_not_repeat_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/silences", json={"reason": "x"})
    assert (answer.status_code, answer.json()["field"]) == (400, "ends_at")


async def test_an_address_is_never_answered_not_even_in_an_error(client: httpx.AsyncClient) -> None:
    made = await client.post("/notification-channels", json={"name": "ops", "url": "slack://SECRET"})
    channel = made.json()["id"]
    long = await client.post("/notification-channels", json={"name": "b", "url": "slack://SECRET" + "x" * 5000})
    bad = await client.post("/notification-channels", json={"name": "c", "url": ["slack://SECRET"]})
    typo = await client.post("/notification-channels", json={"name": "d", "uri": "slack://SECRET"})
    nameless = await client.post("/notification-channels", json={"url": "slack://SECRET"})
    answers = [
        made,
        long,
        bad,
        typo,
        nameless,
        await client.get("/notification-channels"),
        await client.put(f"/notification-channels/{channel}", json={"url": "slack://SECRET2"}),
        await client.post(f"/notification-channels/{channel}/test"),
    ]
    assert [answer.status_code for answer in answers] == [201, 400, 400, 400, 400, 200, 200, 200]
    assert all("SECRET" not in answer.text for answer in answers)
    assert (await client.delete(f"/notification-channels/{channel}")).status_code == 204


async def test_messages_are_listed_page_by_page(client: httpx.AsyncClient) -> None:
    await client.post("/notification-channels", json={"name": "ops", "url": "slack://x"})
    ledger, outbox = client.extra  # type: ignore[attr-defined]
    for number in range(3):
        message = Message(f"inc_{number}", "mon_1", "opened", "info", f"t{number}", "b")
        await ledger.write(lambda c, message=message: outbox.put(c, PROJECT, message))
    first = (await client.get("/notifications?limit=2")).json()
    rest_of = (await client.get(f"/notifications?limit=2&cursor={first['next']}")).json()
    titles = [each["title"] for each in first["items"] + rest_of["items"]]
    assert (sorted(titles), first["total"], rest_of["next"]) == (["t0", "t1", "t2"], 3, None)
    assert (await client.get("/notifications?status=lost")).status_code == 400


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        ("viewer", "GET", "/monitors", 200),
        ("viewer", "POST", "/monitors", 403),
        ("editor", "POST", "/notification-channels", 403),
        ("viewer", "GET", "/notification-channels", 200),
        ("ingest", "GET", "/monitors", 403),
    ],
)
async def test_roles(client: httpx.AsyncClient, role: str, method: str, path: str, status: int) -> None:
    body = None if method == "GET" else MONITOR if path == "/monitors" else {"name": "a", "url": "x://y"}
    answer = await client.request(method, path, json=body, headers={"x-api-key": role})
    assert answer.status_code == status
